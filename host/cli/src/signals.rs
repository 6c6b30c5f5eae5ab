//! Signals, as far as a program that hosts heeds them.

use std::fs::File;

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT, SIGTERM and SIGHUP, which from now on end the program in good order.
pub(crate) struct StopSignals([Signal; 3]);

impl StopSignals {
    /// Takes the signals over. Do so before anything is started that has to be
    /// stopped again.
    pub(crate) fn watch() -> Result<Self> {
        Ok(Self([
            take(SignalKind::interrupt())?,
            take(SignalKind::terminate())?,
            take(SignalKind::hangup())?,
        ]))
    }

    /// Waits for the first of them, and says which it was.
    pub(crate) async fn received(&mut self) -> SignalKind {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
            _ = hangup.recv() => SignalKind::hangup(),
        }
    }
}

/// The signals of a host that serves. Those that end it are SIGINT, SIGTERM and, where it
/// was started from a terminal, that terminal's end. To whoever sends SIGHUP for "read
/// your settings again", it says in the log how that goes; SIGUSR1 and SIGUSR2 mean
/// nothing to it, and so do not end it.
pub(crate) struct ServiceSignals {
    stop: [Signal; 2],
    hangup: Signal,
    others: [Signal; 2],
    has_terminal: bool,
}

impl ServiceSignals {
    /// Takes the signals over.
    pub(crate) fn watch() -> Result<Self> {
        Ok(Self {
            stop: [
                take(SignalKind::interrupt())?,
                take(SignalKind::terminate())?,
            ],
            hangup: take(SignalKind::hangup())?,
            others: [
                take(SignalKind::user_defined1())?,
                take(SignalKind::user_defined2())?,
            ],
            has_terminal: has_terminal(),
        })
    }

    /// Waits until the host has to end.
    pub(crate) async fn told_to_stop(&mut self) {
        let Self {
            stop: [interrupt, terminate],
            hangup,
            others: [first, second],
            has_terminal: had_terminal,
        } = self;
        loop {
            tokio::select! {
                _ = interrupt.recv() => return,
                _ = terminate.recv() => return,
                _ = hangup.recv() => {
                    // The kernel sends it when the terminal has gone, and takes the
                    // terminal away first.
                    if *had_terminal && !has_terminal() {
                        return;
                    }
                    tracing::info!(
                        "SIGHUP changes nothing: policies and their sidecars are read again as they change, all other settings when the host is started again"
                    );
                }
                _ = first.recv() => tracing::debug!("SIGUSR1 means nothing here"),
                _ = second.recv() => tracing::debug!("SIGUSR2 means nothing here"),
            }
        }
    }
}

/// Whether this process has a terminal that can hang up.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

fn take(kind: SignalKind) -> Result<Signal> {
    signal(kind).context("watching for signals")
}
