//! Approvers: may this command line be typed? All of them are asked, the strictest
//! answer counts, and a failure counts as `dangerous`.

pub(crate) mod approvers;
pub(crate) mod facade;
pub(crate) mod request;
pub(crate) mod verdict;
