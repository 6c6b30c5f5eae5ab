//! Where a program's name stands in the table of names: the build script fills
//! the table by this, [`crate::rules`] looks names up by it.

/// Places in the table: a power of two, and so many more than there are names
/// that most names stand where they are looked for first.
pub(crate) const SLOTS: usize = 1 << 14;

/// Marks a place where no name stands.
pub(crate) const EMPTY_SLOT: u16 = u16::MAX;

/// The place where a name is looked for first; then in those behind it.
pub(crate) fn slot(name: &str) -> usize {
    // FNV-1a
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    (hash ^ (hash >> 15)) as usize % SLOTS
}
