//! What the plugins folder holds for a name, as far as the file system tells
//! without reading.

/// The files of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sighting {
    pub(crate) component: Option<Stamp>,
    pub(crate) sidecar: Option<Stamp>,
}

impl Sighting {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Sighting::default()
    }
}

/// What changes when a file is replaced or written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) modified: (i64, i64),
    /// Changes with the mode and the owner too.
    pub(crate) changed: (i64, i64),
}

#[cfg(test)]
impl Sighting {
    /// A component that differs from those of other numbers; none for 0.
    pub(crate) fn numbered(number: u8) -> Self {
        Sighting {
            component: (number > 0).then_some(Stamp {
                device: 1,
                inode: u64::from(number),
                size: 1,
                modified: (0, 0),
                changed: (0, 0),
            }),
            sidecar: None,
        }
    }
}
