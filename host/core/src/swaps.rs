//! Telling the stream, and the audit log, that other policies are in charge.

use std::sync::Arc;

use quarterdeck_policy::{PolicyChanges, PolicySource, PolicyStatus};

use crate::audit::{AuditLog, Change, ChangeKind, EntryKind};
use crate::events::{EventBus, PolicySwapped, SwappedPolicy};
use crate::operations::PolicyReload;

/// Publishes each change of the policies, until there are none any more, and keeps it in
/// the audit log. What a host begins with is no change.
pub(crate) async fn tell_swaps(
    mut changes: PolicyChanges,
    events: Arc<EventBus>,
    audit: Arc<AuditLog>,
) {
    let mut before = Vec::new();
    let mut is_start = true;
    while let Some(now) = changes.next().await {
        let change = PolicyReload::between(&before, &now);
        let is_start = std::mem::take(&mut is_start);
        if change.loaded.is_empty() && change.removed.is_empty() {
            before = now;
            continue;
        }
        let rows = match is_start {
            true => Vec::new(),
            false => rows_of(&change, &now),
        };
        before = now;
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
        if rows.is_empty() {
            continue;
        }
        let audit = Arc::clone(&audit);
        // Another host's write may be waited for.
        let kept = tokio::task::spawn_blocking(move || keep(&audit, &rows)).await;
        if let Err(panicked) = kept {
            std::panic::resume_unwind(panicked.into_panic());
        }
    }
}

/// A row for each policy that is in charge or out of charge now.
fn rows_of(change: &PolicyReload, now: &[PolicyStatus]) -> Vec<Change> {
    let source = |name: &str| now.iter().find(|it| it.name == name).map(|it| &it.source);
    let loaded = change
        .loaded
        .iter()
        // A bundled policy that was asleep.
        .filter(|it| it.generation > 1 || source(&it.name) != Some(&PolicySource::Bundled))
        .map(|policy| {
            let from = source(&policy.name).map_or_else(String::new, |it| format!(", {it}"));
            Change::seen_by_host(ChangeKind::InCharge, &policy.name)
                .saying(format!("generation {}{from}", policy.generation))
                .of_component(&policy.digest)
        });
    let removed = change
        .removed
        .iter()
        .map(|name| Change::seen_by_host(ChangeKind::OutOfCharge, name));
    loaded.chain(removed).collect()
}

fn keep(audit: &AuditLog, rows: &[Change]) {
    for row in rows {
        if let Err(error) = audit.append(EntryKind::Change, row) {
            tracing::warn!(
                policy = row.subject,
                "a change of policies is not in the audit log: {error}"
            );
        }
    }
}
