//! Placeholder page; the crate own text goes here.
fn main() {}
