//! Recoveries: what is done about a session that broke down? A step that the incident
//! does not allow is not taken.

pub(crate) mod facade;
pub(crate) mod incident;
pub(crate) mod recoveries;
