//! The policies that are loaded.

use quarterdeck_policy::PolicyStatus;

use crate::host::Host;

impl Host {
    /// Every policy, once the first load is done.
    pub async fn policies(&self) -> Vec<PolicyStatus> {
        self.policies.ready().await;
        self.policies.list()
    }

    /// Looks at the plugins directory now.
    pub async fn rescan_policies(&self) {
        self.policies.rescan().await;
    }
}
