//! `quarterdeck top`: the running host's sessions, as they are now.

mod view;

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use quarterdeck_server::glance::Glance;
use quarterdeck_server::socket::{Request, ask_in_time};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use crate::Setup;
use view::View;

/// How long the host may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Shows the sessions until the person has seen enough; once where nobody watches.
pub(crate) fn run(setup: &Setup, once: bool, json: bool, every: Duration) -> Result<ExitCode> {
    let look = || -> Result<Glance> {
        let socket = setup.paths.shared_socket();
        ask_in_time(&socket, &Request::Glance, PATIENCE)
            .context("looking at the host; `quarterdeck serve` starts one")
    };
    let first = look()?;
    if json {
        anstream::println!("{}", serde_json::to_string(&first)?);
        return Ok(ExitCode::SUCCESS);
    }
    let watched = io::stdout().is_terminal() && io::stdin().is_terminal();
    let mut view = View::of(first);
    if once || !watched {
        anstream::print!("{}", view.as_text());
        return Ok(ExitCode::SUCCESS);
    }
    let mut terminal = ratatui::try_init().context("taking over the terminal")?;
    let watched = watch(&mut terminal, &mut view, every, look);
    ratatui::restore();
    watched.map(|()| ExitCode::SUCCESS)
}

fn watch(
    terminal: &mut DefaultTerminal,
    view: &mut View,
    every: Duration,
    look: impl Fn() -> Result<Glance>,
) -> Result<()> {
    let mut looked = Instant::now();
    loop {
        terminal.draw(|frame| view.draw(frame))?;
        if event::poll(every.saturating_sub(looked.elapsed()))? {
            if let Event::Key(key) = event::read()?
                && key.kind != KeyEventKind::Release
            {
                match key.code {
                    KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                    KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                        return Ok(());
                    }
                    code => view.press(code),
                }
            }
            continue;
        }
        looked = Instant::now();
        // The host may come back.
        match look() {
            Ok(glance) => view.renew(glance),
            Err(error) => view.complain(format!("{error:#}")),
        }
    }
}
