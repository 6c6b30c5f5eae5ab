//! Rate limits: whether a caller may ask now.

use crate::error::HostError;
use crate::host::Host;
use crate::rates::Allowance;

impl Host {
    /// Counts a request of `caller` for `endpoint`, if requests of its sort, a tool
    /// family or `http`, are limited here. Says what is left where there is a limit.
    pub fn count_request(
        &self,
        sort: &str,
        caller: &str,
        client: Option<&str>,
        endpoint: &str,
    ) -> Result<Option<Allowance>, HostError> {
        self.rates
            .count(sort, caller, client, endpoint)
            .map_err(HostError::RateLimitExceeded)
    }
}
