//! wip
#![allow(dead_code)]
mod hot;
mod records;
fn main() {}
