//! How the store's tables came to be: one file for each version, in order.
//!
//! A file that was released is never changed; what is new comes in a new one.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// The versions of a file, oldest first.
pub(crate) struct Schema(pub(crate) &'static [&'static str]);

/// The host's own store.
pub(super) static STORE: Schema = Schema(&[
    include_str!("migrations/0001-sessions.sql"),
    include_str!("migrations/0002-tasks.sql"),
    include_str!("migrations/0003-agents.sql"),
    include_str!("migrations/0004-events.sql"),
    include_str!("migrations/0005-prompts.sql"),
    include_str!("migrations/0006-machines.sql"),
    include_str!("migrations/0007-depth.sql"),
    include_str!("migrations/0008-event-numbers.sql"),
]);

/// Carries out the versions that the file has not seen.
pub(super) fn bring_up_to_date(
    connection: &mut Connection,
    path: &Path,
    schema: &Schema,
) -> Result<(), StoreError> {
    let failed = |source| StoreError::Open {
        path: path.to_owned(),
        source,
    };
    let found: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    let Some(missing) = schema.0.get(found as usize..) else {
        return Err(StoreError::TooNew {
            path: path.to_owned(),
            found,
            known: schema.0.len() as u32,
        });
    };
    for (number, version) in (found + 1..).zip(missing) {
        let transaction = connection.transaction().map_err(failed)?;
        transaction
            .execute_batch(version)
            .and_then(|()| transaction.pragma_update(None, "user_version", number))
            .and_then(|()| transaction.commit())
            .map_err(failed)?;
    }
    Ok(())
}
