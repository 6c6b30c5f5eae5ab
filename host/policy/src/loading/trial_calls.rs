//! What a component is asked before it is put in charge: something harmless of
//! its kind, which it has to answer within the rules.

use std::sync::Arc;
use std::time::Duration;

use crate::calling::call_terms::CallTerms;
use crate::calling::engine::PolicyEngine;
use crate::calling::fault::Fault;
use crate::loading::rejection::Rejection;
use crate::serving::generation::Facade;
use crate::{
    Batch, CallerFacts, Certainty, Entry, IncidentCause, IncidentFacts, OutputPiece, PolicyKind,
    PolicyRequest, PromptState, Recording, ReviewRequest, SessionFacts, TaskFacts, Tier,
    WorkerFacts,
};

/// How long the first call of a component may take: it touches every page of
/// its code for the first time.
const FIRST_CALL_DEADLINE: Duration = Duration::from_secs(1);

/// A component that is too slow is tried so often: on a busy machine anything is, now
/// and then.
const ATTEMPTS: usize = 3;

/// Asks the component behind `facade` about something harmless twice, the
/// second time within its own deadline, and an approver about everything that
/// the user said it has to refuse.
pub(crate) async fn try_out(
    facade: &Facade,
    engine: &Arc<PolicyEngine>,
    terms: &CallTerms,
    must_refuse: &[String],
) -> Result<(), Rejection> {
    let mut attempts = 1;
    loop {
        match try_once(facade, engine, terms, must_refuse).await {
            // A first call has time enough.
            Err(Rejection::TrialFault(Fault::Deadline(deadline)))
                if deadline < FIRST_CALL_DEADLINE && attempts < ATTEMPTS =>
            {
                attempts += 1;
            }
            tried => return tried,
        }
    }
}

async fn try_once(
    facade: &Facade,
    engine: &Arc<PolicyEngine>,
    terms: &CallTerms,
    must_refuse: &[String],
) -> Result<(), Rejection> {
    let deadline = terms.limits.deadline;
    let first_call = terms.on_trial(deadline.max(FIRST_CALL_DEADLINE));
    let later_call = terms.on_trial(deadline);
    match facade {
        Facade::Approver(approver) => {
            let ask = async |terms: &Arc<CallTerms>, command: &str| {
                approver
                    .review(engine, terms, &request(command))
                    .await
                    .map_err(Rejection::TrialFault)
            };
            let first = ask(&first_call, "ls").await?;
            if first != ask(&later_call, "ls").await? {
                return Err(Rejection::Unsteady);
            }
            for command in must_refuse {
                let answer = ask(&later_call, command).await?;
                if answer.tier != Tier::Dangerous {
                    return Err(Rejection::MustRefuse {
                        command: command.clone(),
                        tier: answer.tier,
                    });
                }
            }
            Ok(())
        }
        Facade::Distributor(distributor) => {
            let batch = batch();
            distributor
                .distribute(engine, &first_call, &batch)
                .await
                .map_err(Rejection::TrialFault)?;
            distributor
                .distribute(engine, &later_call, &batch)
                .await
                .map_err(Rejection::TrialFault)?;
            Ok(())
        }
        Facade::ProgressParser(parser) => {
            let follow = async |terms: &Arc<CallTerms>| -> Result<(), Fault> {
                let _slot = engine.slot(terms).await?;
                let mut live = parser.start_on_trial(engine, terms, &session()).await?;
                live.feed(engine, &output()).await?;
                live.feed(engine, &[OutputPiece::CommandEnd(Some(0))])
                    .await?;
                Ok(())
            };
            follow(&first_call).await.map_err(Rejection::TrialFault)?;
            follow(&later_call).await.map_err(Rejection::TrialFault)
        }
        Facade::Recovery(recovery) => {
            let incident = incident();
            recovery
                .decide(engine, &first_call, &incident)
                .await
                .map_err(Rejection::TrialFault)?;
            recovery
                .decide(engine, &later_call, &incident)
                .await
                .map_err(Rejection::TrialFault)?;
            Ok(())
        }
    }
}

/// What a component of `kind` is tried out with.
pub(crate) fn harmless(kind: PolicyKind) -> PolicyRequest {
    match kind {
        PolicyKind::Approver => PolicyRequest::Review(request("ls")),
        PolicyKind::Distributor => PolicyRequest::Distribute(batch()),
        PolicyKind::ProgressParser => PolicyRequest::ParseProgress(Recording {
            session: session(),
            chunks: vec![output(), vec![OutputPiece::CommandEnd(Some(0))]],
        }),
        PolicyKind::Recovery => PolicyRequest::Recover(incident()),
    }
}

/// A session that does not exist.
fn session() -> SessionFacts {
    SessionFacts {
        id: String::from("trial"),
        name: String::from("trial"),
        backend: String::from("pty"),
        cwd: Some(String::from("/")),
        program: Some(String::from("sh")),
        prompt: PromptState::AtPrompt,
        ..SessionFacts::default()
    }
}

/// A request that no real session made.
fn request(command_line: &str) -> ReviewRequest {
    ReviewRequest {
        command_line: command_line.to_owned(),
        entry: Entry::Command,
        certainty: Certainty::Exact,
        session: session(),
        caller: CallerFacts::default(),
        recent: Vec::new(),
        time_ms: 0,
        attributes: Vec::new(),
    }
}

/// A task that can run, one that cannot yet, and one worker.
fn batch() -> Batch {
    let task = |id: &str| TaskFacts {
        id: id.to_owned(),
        kind: String::from("command"),
        ..TaskFacts::default()
    };
    let blocked = TaskFacts {
        dependencies: vec![String::from("trial-1")],
        open_dependencies: vec![String::from("trial-1")],
        ..task("trial-2")
    };
    Batch {
        tasks: vec![task("trial-1"), blocked],
        workers: vec![WorkerFacts {
            session_id: String::from("trial"),
            capacity: 1,
            ..WorkerFacts::default()
        }],
        limit: 1,
        ..Batch::default()
    }
}

/// What a short program prints.
fn output() -> Vec<OutputPiece> {
    vec![
        OutputPiece::PromptStart,
        OutputPiece::CommandStart(Some(String::from("trial"))),
        OutputPiece::Text(String::from("step 1 of 2\r50%\n")),
    ]
}

/// A session that has just ended.
fn incident() -> IncidentFacts {
    IncidentFacts {
        id: String::from("trial"),
        cause: IncidentCause::Exited,
        session: session(),
        detail: String::from("the shell ended"),
        exit_status: Some(0),
        screen: vec![String::from("$ exit")],
        attempts: 0,
        max_attempts: 3,
        age_ms: 0,
        backups: Vec::new(),
        attributes: Vec::new(),
    }
}
