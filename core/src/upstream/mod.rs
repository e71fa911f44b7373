//! Model providers: what they are sent, and what their answers say of usage.
