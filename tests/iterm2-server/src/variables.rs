//! Variables of the application, of windows, tabs and sessions, and who watches them.

use quarterdeck_iterm2::proto::{
    Notification, VariableChangedNotification, VariableRequest, VariableResponse, VariableScope,
    variable_request, variable_response::Status,
};
use serde_json::{Map, Value, json};

use crate::application::Application;
use crate::profiles;
use crate::session::Session;
use crate::subscriptions::Subject;

/// Whose variable it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    App,
    Window(String),
    Tab(String),
    Session(String),
}

impl Application {
    /// The scope that a number and an id mean, if there is such a thing.
    pub(crate) fn scope_of(&self, scope: VariableScope, id: &str) -> Option<Scope> {
        match scope {
            VariableScope::App => Some(Scope::App),
            VariableScope::Session => Some(Scope::Session(self.resolve(id)?)),
            VariableScope::Tab => {
                let (_, tab) = self.layout.tab(id)?;
                Some(Scope::Tab(tab.id.clone()))
            }
            VariableScope::Window => Some(Scope::Window(self.layout.window(id)?.id.clone())),
        }
    }

    /// What a monitor of variables watches, by the identifiers that it is told: all
    /// sessions or windows, the active one, or one by its id.
    pub(crate) fn watched(&self, scope: VariableScope, id: &str) -> Option<Vec<(String, Scope)>> {
        let active = || id.to_owned();
        Some(match (scope, id) {
            (VariableScope::Session, "all") => (self.sessions.keys())
                .map(|id| (id.clone(), Scope::Session(id.clone())))
                .collect(),
            (VariableScope::Window, "all") => (self.layout.windows.iter())
                .map(|window| (window.id.clone(), Scope::Window(window.id.clone())))
                .collect(),
            (VariableScope::Session, "active") => (self.active_session().into_iter())
                .map(|id| (active(), Scope::Session(id.to_owned())))
                .collect(),
            (VariableScope::Window, "active") => (self.key_window.iter())
                .map(|id| (active(), Scope::Window(id.clone())))
                .collect(),
            _ => vec![(id.to_owned(), self.scope_of(scope, id)?)],
        })
    }

    /// The value of a variable; `null` if there is none.
    pub(crate) fn variable(&self, scope: &Scope, name: &str) -> Value {
        let mut all = self.variables_of(scope);
        if name == "*" {
            return Value::Object(all);
        }
        if let Some(value) = all.remove(name) {
            return value;
        }
        let referred = name
            .split_once('.')
            .and_then(|(reference, rest)| Some((self.referred(scope, reference)?, rest)));
        referred.map_or(Value::Null, |(scope, rest)| self.variable(&scope, rest))
    }

    /// What a variable that is a reference leads to.
    fn referred(&self, scope: &Scope, reference: &str) -> Option<Scope> {
        match (scope, reference) {
            (Scope::Window(_) | Scope::Tab(_) | Scope::Session(_), "iterm2") => Some(Scope::App),
            (Scope::Window(id), "currentTab") => {
                let window = self.layout.window(id)?;
                Some(Scope::Tab(window.selected.clone()))
            }
            (Scope::Tab(id), "window") => {
                let (window, _) = self.layout.tab(id)?;
                Some(Scope::Window(window.id.clone()))
            }
            (Scope::Tab(id), "currentSession") => {
                let (_, tab) = self.layout.tab(id)?;
                Some(Scope::Session(tab.active.clone()))
            }
            (Scope::Session(id), "tab") => {
                let (_, tab) = self.layout.showing(id)?;
                Some(Scope::Tab(tab.id.clone()))
            }
            _ => None,
        }
    }

    fn variables_of(&self, scope: &Scope) -> Map<String, Value> {
        let mut all = match scope {
            Scope::App => json!({
                "pid": std::process::id(),
                "effectiveTheme": "dark",
                "localhostName": host_name(),
            }),
            Scope::Window(id) => match self.layout.window(id) {
                None => json!({}),
                Some(window) => {
                    let frame = window.frame();
                    let (origin, size) = (
                        frame.origin.unwrap_or_default(),
                        frame.size.unwrap_or_default(),
                    );
                    json!({
                        "id": window.id,
                        "number": window.number,
                        "frame": [origin.x(), origin.y(), size.width(), size.height()],
                        "titleOverride": Value::Null,
                    })
                }
            },
            Scope::Tab(id) => match self.layout.tab(id) {
                None => json!({}),
                Some((window, tab)) => json!({
                    "id": tab.id,
                    "window": window.id,
                    "currentSession": tab.active,
                    "title": self.sessions.get(&tab.active).map(Session::title),
                    "titleOverride": Value::Null,
                }),
            },
            Scope::Session(id) => match self.sessions.get(id) {
                None => json!({}),
                Some(session) => session_variables(session),
            },
        };
        let key = match scope {
            Scope::App => "app",
            Scope::Window(id) | Scope::Tab(id) | Scope::Session(id) => id,
        };
        if let Some(all) = all.as_object_mut() {
            for (name, value) in self.variables.get(key).into_iter().flatten() {
                all.insert(name.clone(), value.clone());
            }
        }
        match all {
            Value::Object(all) => all,
            _ => Map::new(),
        }
    }

    pub(crate) fn variable_request(&mut self, request: &VariableRequest) -> VariableResponse {
        match self.set_and_get(request) {
            Ok(values) => VariableResponse {
                status: Some(Status::Ok as i32),
                values,
            },
            Err(status) => VariableResponse {
                status: Some(status as i32),
                values: Vec::new(),
            },
        }
    }

    fn set_and_get(&mut self, request: &VariableRequest) -> Result<Vec<String>, Status> {
        use variable_request::Scope as Named;
        let scopes = match request.scope.as_ref().ok_or(Status::MissingScope)? {
            Named::App(_) => vec![Scope::App],
            Named::SessionId(id) if id == "all" => {
                if !request.get.is_empty() {
                    return Err(Status::MultiGetDisallowed);
                }
                self.sessions.keys().cloned().map(Scope::Session).collect()
            }
            Named::SessionId(id) => {
                vec![Scope::Session(
                    self.resolve(id).ok_or(Status::SessionNotFound)?,
                )]
            }
            Named::TabId(id) => vec![
                self.scope_of(VariableScope::Tab, id)
                    .ok_or(Status::TabNotFound)?,
            ],
            Named::WindowId(id) => vec![
                self.scope_of(VariableScope::Window, id)
                    .ok_or(Status::WindowNotFound)?,
            ],
        };
        let mut sets = Vec::new();
        for set in &request.set {
            let name = set.name().strip_prefix("user.");
            let name = name.filter(|name| !name.is_empty() && !name.contains('.'));
            let value: Value =
                serde_json::from_str(set.value()).map_err(|_| Status::InvalidName)?;
            sets.push((name.ok_or(Status::InvalidName)?, value));
        }
        for scope in &scopes {
            for (name, value) in &sets {
                self.set_variable(scope, name, value.clone());
            }
        }
        let get = |name: &String| self.variable(&scopes[0], name).to_string();
        Ok(request.get.iter().map(get).collect())
    }

    fn set_variable(&mut self, scope: &Scope, name: &str, value: Value) {
        let key = match scope {
            Scope::Session(id) => {
                if let Some(session) = self.sessions.get_mut(id) {
                    session.user.insert(name.to_owned(), value);
                }
                return;
            }
            Scope::App => "app",
            Scope::Window(id) | Scope::Tab(id) => id,
        };
        let variables = self.variables.entry(key.to_owned()).or_default();
        variables.insert(format!("user.{name}"), value);
    }

    /// Tells those who watch variables what has changed.
    pub(crate) fn look_at_variables(&mut self) {
        let mut changes = Vec::new();
        let mut subscriptions = std::mem::take(&mut self.subscriptions);
        for subscription in &mut subscriptions {
            let Subject::Variable {
                scope,
                identifier,
                name,
                told,
            } = &mut subscription.subject
            else {
                continue;
            };
            // What has gone is told no more; what has come had no value before.
            let Some(watched) = self.watched(*scope, identifier) else {
                continue;
            };
            let mut former = std::mem::take(told);
            for (identifier, of) in watched {
                let value = self.variable(&of, name).to_string();
                let before = former.remove(&identifier);
                if before.as_deref().unwrap_or("null") != value {
                    let change = VariableChangedNotification {
                        scope: Some(*scope as i32),
                        identifier: Some(identifier.clone()),
                        name: Some(name.clone()),
                        json_new_value: Some(value.clone()),
                    };
                    changes.push((subscription.client, change));
                }
                told.insert(identifier, value);
            }
        }
        self.subscriptions = subscriptions;
        for (client, change) in changes {
            let notification = Notification {
                variable_changed_notification: Some(change),
                ..Notification::default()
            };
            self.send_notification(client, notification);
        }
    }
}

fn session_variables(session: &Session) -> Value {
    let (job_pid, job) = foreground(session.program.pid).unzip();
    let user_name = || std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
    let (user, host) = session
        .host
        .clone()
        .unwrap_or_else(|| (user_name(), host_name()));
    let mut variables = json!({
        "id": session.id,
        "termid": format!("w0t0p0:{}", session.id),
        "name": session.title(),
        "autoName": session.title(),
        "autoNameFormat": session.title(),
        "presentationName": session.title(),
        "terminalWindowName": session.title,
        "path": session.folder(),
        "hostname": host,
        "username": user,
        "tty": session.program.tty,
        "pid": session.program.pid,
        "jobName": job,
        "jobPid": job_pid,
        "commandLine": session.start.command.join(" "),
        "lastCommand": session.prompts.last_command(),
        "columns": session.emulator.size().columns,
        "rows": session.emulator.size().rows,
        "profileName": profiles::text(&session.profile, "Name"),
        "badge": profiles::text(&session.profile, "Badge Text"),
        "showingAlternateScreen": session.emulator.full_screen(),
        "bracketedPasteMode": session.emulator.brackets_pastes(),
    });
    for (name, value) in &session.user {
        variables[format!("user.{name}")] = value.clone();
    }
    variables
}

/// The process that has the terminal, and its name.
fn foreground(leader: u32) -> Option<(u32, String)> {
    let status = std::fs::read_to_string(format!("/proc/{leader}/stat")).ok()?;
    // The fields after the name, which may hold anything: state, ppid, pgrp, session, tty, tpgid.
    let after_name = &status[status.rfind(')')? + 1..];
    let pid: u32 = after_name.split_whitespace().nth(5)?.parse().ok()?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some((pid, name.trim_end().to_owned()))
}

fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}
