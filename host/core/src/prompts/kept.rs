//! Prompts in the store.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::PromptReceipt;
use crate::clock::now_ms;

/// Prompts are remembered for 7 days.
const REMEMBERED_MS: i64 = 7 * 24 * 3_600 * 1_000;

/// The digest of a prompt's text.
pub(super) type PromptDigest = [u8; 32];

/// A prompt is about to be typed. `false` if its id is taken.
pub(super) fn begins(
    kept: &Transaction<'_>,
    receipt: &PromptReceipt,
    digest: &PromptDigest,
) -> rusqlite::Result<bool> {
    let now = now_ms().cast_signed();
    kept.prepare_cached("DELETE FROM prompts WHERE at_ms < ?1")?
        .execute([now - REMEMBERED_MS])?;
    let insert = "INSERT INTO prompts (id, session_id, digest, at_ms, receipt)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING";
    let added = kept.prepare_cached(insert)?.execute(params![
        receipt.id,
        receipt.session_id,
        digest,
        now,
        json(receipt)
    ])?;
    Ok(added == 1)
}

/// What has become of it.
pub(super) fn came_to(kept: &Transaction<'_>, receipt: &PromptReceipt) -> rusqlite::Result<()> {
    kept.prepare_cached("UPDATE prompts SET receipt = ?2 WHERE id = ?1")?
        .execute(params![receipt.id, json(receipt)])
        .map(drop)
}

/// What is known of the prompt with this id.
pub(super) fn known(
    kept: &Connection,
    id: &str,
) -> rusqlite::Result<Option<(PromptDigest, PromptReceipt)>> {
    let select = "SELECT digest, receipt FROM prompts WHERE id = ?1";
    let row = kept.query_row(select, [id], |row| {
        Ok((row.get::<_, PromptDigest>(0)?, row.get::<_, String>(1)?))
    });
    let row = row.optional()?;
    Ok(row.and_then(|(digest, receipt)| Some((digest, serde_json::from_str(&receipt).ok()?))))
}

fn json(receipt: &PromptReceipt) -> String {
    serde_json::json!(receipt).to_string()
}
