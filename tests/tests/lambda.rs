//! What is the functions' own.
