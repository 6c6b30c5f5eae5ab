//! Placeholder page; the crate's own text goes here.
