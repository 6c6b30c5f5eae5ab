//! How fast a session takes in what its program writes.

fn main() {}
