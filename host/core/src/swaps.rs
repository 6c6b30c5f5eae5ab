//! Telling the stream that other policies are in charge.

use std::sync::Arc;

use quarterdeck_policy::PolicyChanges;

use crate::events::{EventBus, PolicySwapped, SwappedPolicy};
use crate::operations::PolicyReload;

/// Publishes each change of the policies, until there are none any more.
pub(crate) async fn tell_swaps(mut changes: PolicyChanges, events: Arc<EventBus>) {
    let mut before = Vec::new();
    while let Some(now) = changes.next().await {
        let change = PolicyReload::between(&before, &now);
        before = now;
        if change.loaded.is_empty() && change.removed.is_empty() {
            continue;
        }
        events.publish(PolicySwapped {
            loaded: change
                .loaded
                .into_iter()
                .map(|policy| SwappedPolicy {
                    name: policy.name,
                    kind: policy.kind.map(|kind| kind.to_string()),
                    generation: policy.generation,
                    digest: policy.digest,
                })
                .collect(),
            removed: change.removed,
        });
    }
}
