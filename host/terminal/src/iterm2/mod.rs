//! The backend `iterm2`: sessions in the panes of iTerm2.
//!
//! [`Application`] speaks iTerm2's API over one connection (crate `quarterdeck-iterm2`), however many sessions
//! there are. The API tells what panes show, not what programs write. So there are two carriers:
//!
//! - a pane that is opened for a session runs our [`relay`], which gives the host the program's
//!   bytes as they are ([`relayed`]): such a session is as good as one on a device of the
//!   host's own, and outlives the host;
//! - a pane that is there already is [`mirrored`]: when iTerm2 says that it shows something
//!   else, its lines are read and drawn on our screen ([`drawing`]), and what is typed goes through the API, once.

mod appearance;
mod application;
mod drawing;
mod error;
mod finding;
mod mirrored;
mod opening;
pub mod relay;
mod relayed;
mod sizing;

pub use appearance::{Appearance, Rgb};
pub use application::{Application, RelayProgram, Settings};
pub use error::Iterm2Error;
pub use finding::{FoundPane, FoundRelay, ShownPane};
pub(crate) use mirrored::Mirrored;
pub use quarterdeck_iterm2::{Address, CredentialSource};
pub(crate) use relayed::Relayed;
