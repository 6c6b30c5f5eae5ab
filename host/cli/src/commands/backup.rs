//! `quarterdeck backup` and `quarterdeck restore`.
//!
//! A backup is a tar file with a copy of each SQLite file of the state folder. What a
//! person wrote (the configuration, rules, policies) is plain files of their own.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use quarterdeck_core::store::{StoreError, backup};
use quarterdeck_server::socket::{AskError, Request, ask_in_time};

use crate::Setup;
use crate::inside::refuse_inside;

/// A host that takes longer counts as one that runs.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// Writes a backup into the new file `into`, also while a host runs.
pub(crate) fn back_up(setup: &Setup, into: &Path) -> Result<ExitCode> {
    refuse_inside(setup, "a backup, which holds what others have run,")?;
    let folder = tempfile::tempdir_in(&setup.paths.state_dir).with_context(|| {
        format!(
            "there is nothing to back up in {}",
            setup.paths.state_dir.display()
        )
    })?;
    let writing = || format!("writing the backup {}", into.display());
    let file = match File::create_new(into) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(
            "{} is there already; name a new file, so that no earlier backup is lost",
            into.display()
        ),
        file => file.with_context(writing)?,
    };
    let written = write_backup(setup, file, folder.path()).with_context(writing);
    if written.is_err() {
        // Half a backup is none, and its name is to be free for the next attempt.
        let _ = std::fs::remove_file(into);
    }
    anstream::println!("{} holds {}", into.display(), written?.join(", "));
    Ok(ExitCode::SUCCESS)
}

/// Writes a copy of each file into the archive, by way of `folder`; returns their names.
fn write_backup(setup: &Setup, file: File, folder: &Path) -> Result<Vec<String>> {
    make_private(&file)?;
    let mut archive = tar::Builder::new(file);
    let mut names = Vec::new();
    for kept in kept_files(setup).iter().filter(|path| path.exists()) {
        let name = name_of(kept);
        let copy = folder.join(&name);
        backup::copy(kept, &copy)?;
        archive.append_path_with_name(&copy, &name)?;
        names.push(name);
    }
    archive.into_inner()?.sync_all()?;
    Ok(names)
}

/// Puts a backup in the place of what is kept. No host and no worker may run, and none
/// can start meanwhile.
pub(crate) fn restore(setup: &Setup, from: &Path) -> Result<ExitCode> {
    refuse_inside(setup, "putting back a backup")?;
    for socket in setup.paths.sockets() {
        match ask_in_time::<bool>(&socket, &Request::AmInside, PATIENCE) {
            Err(AskError::NoHost(_)) => {}
            _ => bail!(
                "a host runs and listens on {}: stop it first",
                socket.display()
            ),
        }
    }
    setup.paths.make()?;
    let _held = backup::hold(&kept_files(setup)).map_err(|error| match error {
        StoreError::InUse { path } => anyhow!(
            "a host or a worker runs and has {} open: stop it first",
            path.display()
        ),
        error => error.into(),
    })?;
    let folder = tempfile::tempdir_in(&setup.paths.state_dir)
        .with_context(|| format!("writing to {}", setup.paths.state_dir.display()))?;
    let archive =
        File::open(from).with_context(|| format!("reading the backup {}", from.display()))?;
    let found = unpack(setup, archive, folder.path()).map_err(|error| {
        // What tar says quotes the file, which may be any.
        tracing::debug!(%error, "the backup cannot be read");
        anyhow!(
            "{} is not what `quarterdeck backup` wrote, or is damaged; nothing was changed",
            from.display()
        )
    })?;
    if found.is_empty() {
        bail!("{} holds nothing of Quarterdeck's", from.display());
    }
    // All of it is looked at before any of it is put in place.
    for (copy, _) in &found {
        backup::verify(copy)?;
    }
    for (copy, kept) in &found {
        let former = backup::put_back(copy, kept)?;
        anstream::println!("{} is put back", kept.display());
        if let Some(former) = former {
            anstream::println!("  what was there is {}", former.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes what is known by name out of the backup: copy and place of each.
fn unpack(setup: &Setup, archive: File, into: &Path) -> Result<Vec<(PathBuf, PathBuf)>> {
    let mut found = Vec::new();
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let kept = kept_files(setup)
            .into_iter()
            .find(|kept| Path::new(&name_of(kept)) == path);
        let Some(kept) = kept else {
            bail!("it holds {:?}, which no backup does", path);
        };
        let copy = into.join(name_of(&kept));
        // Only its bytes are taken: no links, no modes.
        std::io::copy(&mut entry, &mut File::create(&copy)?)?;
        found.push((copy, kept));
    }
    Ok(found)
}

fn kept_files(setup: &Setup) -> [PathBuf; 3] {
    let paths = &setup.paths;
    [paths.audit_file(), paths.store_file(), paths.metrics_file()]
}

fn name_of(kept: &Path) -> String {
    let name = kept.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// It quotes commands: nobody else reads it.
fn make_private(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}
