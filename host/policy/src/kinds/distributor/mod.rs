//! Distributors: which task goes to which worker? A plan that breaks one rule is not
//! believed in any part.

pub(crate) mod batch;
pub(crate) mod distributors;
pub(crate) mod facade;
pub(crate) mod lawful_plan;
