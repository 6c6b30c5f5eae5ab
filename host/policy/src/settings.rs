//! What the program that embeds the host decides once, at its start.

use std::path::PathBuf;
use std::time::Duration;

use crate::PolicyKind;

/// Where policies come from and how much each may use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder whose `*.wasm` files are the user's policies. Made (mode
    /// 0700) when it is missing; an empty one means the bundled policies.
    pub plugins_dir: PathBuf,
    /// Where compiled code is kept. Made (mode 0700) when it is missing; has to
    /// belong to this user and to be closed to everybody else.
    pub cache_dir: PathBuf,
    /// The program that compiles components in a process of its own: called with
    /// [`crate::COMPILE_POLICY`], it calls [`crate::compile_into_cache`]. Without
    /// one this process compiles.
    pub compiler: Option<PathBuf>,
    /// Policies that travel inside the program.
    pub bundled: Vec<BundledPolicy>,
    /// What a policy may use unless its sidecar says otherwise.
    pub limits: Limits,
    /// Whether the folder is watched. Without it, [`crate::PolicyHost::rescan`]
    /// is the only way to have it looked at again.
    pub watch: bool,
    /// How many instances are kept between calls at most: one for each session that a
    /// progress parser follows, and those that sidecars want to be reused.
    pub kept_instances: u32,
    /// Names of approvers without which nothing is approved: as long as one of
    /// them is missing, every ruling is `dangerous`.
    pub required: Vec<String>,
}

impl Settings {
    /// [`Settings::kept_instances`] of a host that runs on.
    pub const KEPT_BY_A_HOST: u32 = 384;
    /// [`Settings::kept_instances`] of a program that asks a little and ends.
    pub const KEPT_BY_ONE_COMMAND: u32 = 8;
}

/// A component that travels inside the program.
#[derive(Debug, Clone, Copy)]
pub struct BundledPolicy {
    /// Its name; a file of the same stem in the plugins folder replaces it.
    pub name: &'static str,
    /// Its kind. Approvers are loaded at the start, the others when their kind
    /// is first asked for: they take a second to compile and memory to keep.
    pub kind: PolicyKind,
    /// The component.
    pub wasm: &'static [u8],
}

/// What one call of a policy may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long one call may run: wall-clock time, of which what a busy machine
    /// keeps it from running is left out as far as that can be told, so that
    /// a sound policy does not look like a hung one.
    pub deadline: Duration,
    /// Bytes of linear memory, summed over all memories of an instance.
    pub memory_bytes: u64,
    /// Size of a component file; larger ones are not read.
    pub max_component_bytes: u64,
}

impl Limits {
    /// The longest deadline that a sidecar may ask for.
    pub const MAX_DEADLINE: Duration = Duration::from_secs(5);
    /// The most memory that a sidecar may ask for: the size of a slot in the
    /// pool of instances.
    pub const MAX_MEMORY_BYTES: u64 = 128 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            deadline: Duration::from_millis(50),
            memory_bytes: 16 << 20,
            max_component_bytes: 64 << 20,
        }
    }
}
