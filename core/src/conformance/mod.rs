//! The suites that every adapter must pass, and fakes that fail on demand.
