//! Our own client against the stand-in: what it can do, and what it does when things go wrong.

mod faults;
mod sessions;
mod stand_in;
mod way_in;
