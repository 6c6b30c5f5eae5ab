//! The thread that writes.

use std::sync::mpsc;

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// As many jobs share a transaction at most.
const JOBS_AT_ONCE: usize = 256;

/// Tells whoever asked, once it is known whether the work is kept.
type Answer = Box<dyn FnOnce(Result<(), rusqlite::Error>) + Send>;

/// Does the work inside the shared transaction.
type Job = Box<dyn FnOnce(&Transaction<'_>) -> Answer + Send>;

/// A way to the thread, which ends when this is dropped and all is written.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Self {
        let (jobs, waiting) = mpsc::channel();
        let spawned = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_all(connection, &waiting));
        let thread = spawned
            .inspect_err(|error| tracing::error!(%error, "no thread for the store"))
            .ok();
        Self {
            jobs: Some(jobs),
            thread,
        }
    }

    /// Hands over `work`; `done` is called after the commit. Without a thread
    /// `done` is dropped.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
        done: impl FnOnce(rusqlite::Result<T>) + Send + 'static,
    ) {
        let job: Job = Box::new(move |transaction| {
            let result = in_savepoint(transaction, work);
            Box::new(move |committed| done(committed.and(result)))
        });
        if let Some(jobs) = &self.jobs {
            // Fails only when the thread is gone: `done` is dropped.
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported by the panic hook.
            let _ = thread.join();
        }
    }
}

fn in_savepoint<T>(
    transaction: &Transaction<'_>,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    transaction.execute_batch("SAVEPOINT job")?;
    let result = work(transaction);
    transaction.execute_batch(match result {
        Ok(_) => "RELEASE job",
        Err(_) => "ROLLBACK TO job; RELEASE job",
    })?;
    result
}

fn write_all(mut connection: Connection, waiting: &mpsc::Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let jobs = std::iter::once(first)
            .chain(waiting.try_iter())
            .take(JOBS_AT_ONCE);
        let mut answers = Vec::new();
        let committed = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(|transaction| {
                answers.extend(jobs.map(|job| job(&transaction)));
                transaction.commit()
            });
        match committed {
            Ok(()) => answers.into_iter().for_each(|answer| answer(Ok(()))),
            Err(error) => {
                tracing::error!(%error, "the store could not be written");
                // Each of them is told the same.
                let reason = error.to_string();
                for answer in answers {
                    answer(Err(rusqlite::Error::SqliteFailure(
                        rusqlite::ffi::Error::new(
                            error
                                .sqlite_error()
                                .map_or(rusqlite::ffi::SQLITE_ERROR, |it| it.extended_code),
                        ),
                        Some(reason.clone()),
                    )));
                }
            }
        }
    }
}
