//! What to do next, in the names of the native tools: the host's own errors name no tool.

use quarterdeck_core::HostError;
use quarterdeck_core::operations::RunRemark;

/// The tool call that waits for a command's end.
const WAIT: &str = r#"session_wait {"until": {"prompt": true}}"#;

/// The tool call that presses Ctrl-C.
const INTERRUPT: &str = r#"session_type {"input": {"key": "ctrl-c"}}"#;

/// What to do where the command is a shell within the shell, which never shows the prompt
/// that is waited for.
const TYPE: &str =
    "if it is itself a shell or reads what is typed, give it commands with session_type";

/// An error, with what to do about it.
pub(super) fn told(error: &HostError) -> String {
    match error {
        HostError::SessionNotFound(id) => format!(
            "no session has the id {id:?}; session_list shows those that exist, session_create opens one"
        ),
        HostError::TooManySessions(open) => format!(
            "{open} sessions are open, as many as sessions.max allows; close some with session_close"
        ),
        HostError::SessionBusy {
            session,
            command,
            since,
        } => format!(
            "session {session} still runs {command} (for {} s); wait for it with {WAIT}, interrupt it with {INTERRUPT}, or use another session; {TYPE}",
            since.as_secs()
        ),
        HostError::LineNotEmpty { session, line } => {
            let line = line.as_ref().map(|line| format!("`{line}`"));
            let line = line.as_deref().unwrap_or("something unknown");
            format!(
                "the line of session {session} is not empty, it holds {line}; submit it or clear it first with {INTERRUPT}"
            )
        }
        HostError::SessionEnded { session, how } => format!(
            "the shell of session {session} has ended ({how}); its output can still be read; session_close removes it, session_create opens another"
        ),
        HostError::AgentNotReady { .. } => {
            format!("{error} (session_read shows its screen, session_type answers, wait_any waits)")
        }
        HostError::TaskNotFound(id) => {
            format!("no task has the id {id:?}: task_status without taskIds names those there are")
        }
        other => other.to_string(),
    }
}

/// What has to be known of a command's end, with what to do about it.
pub(super) fn remark(remark: RunRemark) -> String {
    match remark {
        RunRemark::StillRunning => {
            format!("{remark}; {WAIT} waits for it, {INTERRUPT} interrupts it")
        }
        RunRemark::EndGuessed | RunRemark::SessionClosed | RunRemark::ShellEnded(_) => {
            remark.to_string()
        }
    }
}
