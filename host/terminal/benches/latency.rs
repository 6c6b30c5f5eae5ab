//! How long the shortest things take in a session.

fn main() {}
