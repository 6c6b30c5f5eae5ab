//! What the client can do.

use quarterdeck_iterm2::{
    ActivateTarget, CallError, CloseTarget, Closed, Color, Interest, Lines, NewTab, Notice,
    ProfileTarget, PromptEvent, PromptState, PropertyTarget, SessionId, Split, SplitTree,
    VariableScope,
};
use serde_json::json;

use crate::stand_in::{StandIn, first_session, notice, shows, until};

#[tokio::test]
async fn a_tab_is_opened_typed_into_read_and_closed() {
    let stand_in = StandIn::open().await;
    let (client, mut notices) = stand_in.client().await;
    client
        .subscribe(Interest::EndedSessions)
        .await
        .expect("a subscription");
    let layout = client.list_sessions().await.expect("a layout");
    let window = layout.windows[0].id.clone();
    let new = NewTab {
        window: Some(window.clone()),
        command: Some("/bin/cat".to_owned()),
        ..NewTab::default()
    };
    let opened = client.create_tab(&new).await.expect("a tab");
    assert_eq!(opened.window, window);
    assert!(opened.at_index);
    let session = opened.session;
    client
        .send_text(&session, "日本 hi\n", false)
        .await
        .expect("typed");
    shows(&client, &session, "日本 hi").await;
    let closed = client
        .close(&CloseTarget::Tabs(vec![opened.tab]), true)
        .await
        .expect("an answer");
    assert_eq!(closed, [Closed::Yes]);
    let ended = |notice| match notice {
        Notice::SessionEnded(ended) => Some(ended),
        _ => None,
    };
    assert_eq!(notice(&mut notices, "the end", ended).await, session);
    let error = client.send_text(&session, "x", false).await;
    assert!(error.expect_err("a refusal").is_not_found());
}

#[tokio::test]
async fn lines_come_with_their_numbers_styles_and_wraps() {
    let stand_in = StandIn::open().await;
    let (client, _) = stand_in.client().await;
    let session = first_session(&client).await;
    let output = b"\x1b[2J\x1b[H\x1b[1;31mred\x1b[48;2;1;2;3mx\x1b[0m\r\n";
    client.inject(&session, output).await.expect("shown");
    let long = "w".repeat(100);
    client
        .inject(&session, long.as_bytes())
        .await
        .expect("shown");
    let screen = client
        .buffer(&session, &Lines::Screen)
        .await
        .expect("a screen");
    assert_eq!(screen.lines.len(), 25);
    let [red, wide, rest, ..] = screen.lines.as_slice() else {
        panic!("three lines");
    };
    assert_eq!((red.text.as_str(), red.columns), ("redx", 4));
    assert_eq!(red.styles[0].columns, 0..3);
    assert_eq!(red.styles[0].style.foreground, Some(Color::Palette(1)));
    assert!(red.styles[1].style.bold);
    assert_eq!(red.styles[1].style.background, Some(Color::Rgb(1, 2, 3)));
    assert_eq!(wide.text.len() + rest.text.len(), 100);
    assert!(wide.wrapped && !rest.wrapped);
    assert_eq!(screen.cursor, (20, screen.first + 2));
    let lines = Lines::Numbered(screen.first + 1..screen.first + 2);
    let one = client.buffer(&session, &lines).await.expect("a line");
    assert_eq!(one.lines.as_slice(), std::slice::from_ref(wide));
    assert_eq!(one.first, screen.first + 1);
}

#[tokio::test]
async fn panes_are_split_named_resized_activated_and_told_about() {
    let stand_in = StandIn::open().await;
    let (client, mut notices) = stand_in.client().await;
    for interest in [Interest::Layout, Interest::Focus, Interest::NewSessions] {
        client.subscribe(interest).await.expect("a subscription");
    }
    let first = first_session(&client).await;
    let split = Split {
        vertical: true,
        ..Split::default()
    };
    let second = client.split_pane(&first, &split).await.expect("a pane");
    let begun = |notice| matches!(notice, Notice::NewSession(_)).then_some(notice);
    notice(&mut notices, "a new session", begun).await;
    let layout = |notice| match notice {
        Notice::LayoutChanged(layout) => Some(layout),
        _ => None,
    };
    let layout = notice(&mut notices, "the layout", layout).await;
    assert!(matches!(
        &layout.windows[0].tabs[0].root,
        SplitTree::Split { vertical: true, parts } if parts.len() == 2
    ));
    client
        .activate(&ActivateTarget::Session(first.clone()))
        .await
        .expect("activated");
    let focused = |notice| match notice {
        Notice::SessionFocused(session) => Some(session),
        _ => None,
    };
    until("the focus on the first session", async || {
        let focus = client.focus().await.ok()?;
        let mut sessions = focus.into_iter().filter_map(focused);
        sessions.any(|session| session == first).then_some(())
    })
    .await;
    client.set_name(&second, "two \"2\"").await.expect("named");
    client.set_grid_size(&second, 50, 30).await.expect("a size");
    let layout = client.list_sessions().await.expect("a layout");
    let pane = layout.pane(&second).expect("the pane");
    assert_eq!(pane.title, "two \"2\"");
    assert_eq!(pane.size.map(|(_, rows)| rows), Some(30));
}

#[tokio::test]
async fn a_command_is_followed_from_prompt_to_exit_status() {
    let stand_in = StandIn::open().await;
    let (client, mut notices) = stand_in.client().await;
    let session = first_session(&client).await;
    client
        .subscribe(Interest::Prompts(Some(session.clone())))
        .await
        .expect("a subscription");
    client
        .send_text(&session, "echo out; (exit 7)\n", false)
        .await
        .expect("typed");
    let command = |notice| match notice {
        Notice::Prompt {
            prompt,
            event: PromptEvent::CommandStarted(command),
            ..
        } => Some((prompt?, command)),
        _ => None,
    };
    let (id, command) = notice(&mut notices, "the command", command).await;
    assert_eq!(command, "echo out; (exit 7)");
    let status = |notice| match notice {
        Notice::Prompt {
            event: PromptEvent::CommandEnded(status),
            ..
        } => Some(status),
        _ => None,
    };
    assert_eq!(notice(&mut notices, "the end", status).await, 7);
    let prompt = client.prompt(&session, Some(&id)).await.expect("an answer");
    let prompt = prompt.expect("the prompt");
    assert_eq!(prompt.state, PromptState::Finished(Some(7)));
    let ((_, from), (_, to)) = prompt.output.expect("a range");
    let output = client.buffer(&session, &Lines::Numbered(from..to)).await;
    assert_eq!(output.expect("lines").text(), "out");
    assert!(client.prompts(&session).await.expect("ids").contains(&id));
}

#[tokio::test]
async fn variables_profiles_and_properties_are_read_changed_and_watched() {
    let stand_in = StandIn::open().await;
    let (client, mut notices) = stand_in.client().await;
    let session = first_session(&client).await;
    let scope = VariableScope::Session(session.clone());
    let watched = Interest::Variable {
        scope: scope.clone(),
        name: "user.step".to_owned(),
    };
    client.subscribe(watched).await.expect("a subscription");
    client
        .set_user_variable(&scope, "step", &json!([1, 2]))
        .await
        .expect("set");
    let value = |notice| match notice {
        Notice::VariableChanged { value, .. } => Some(value),
        _ => None,
    };
    let told = notice(&mut notices, "the variable", value).await;
    assert_eq!(told, json!([1, 2]));
    let values = client
        .variables(&scope, &["columns", "user.none", "profileName"])
        .await
        .expect("values");
    assert_eq!(values, [json!(80), json!(null), json!("Default")]);

    let target = ProfileTarget::Session(session.clone());
    let badge = [("Badge Text", json!("busy"))];
    client.set_profile(&target, &badge).await.expect("changed");
    let profile = client
        .session_profile(&session, &["Badge Text"])
        .await
        .expect("a profile");
    assert_eq!(profile["Badge Text"], "busy");
    let profiles = client.profiles(&["Name", "Badge Text"]).await;
    assert!(
        profiles
            .expect("profiles")
            .iter()
            .all(|profile| profile["Badge Text"] == "")
    );

    let target = PropertyTarget::Session(session);
    let lines = client.property(&target, "number_of_lines").await;
    assert_eq!(lines.expect("a property")["grid"], 25);
    let refused = client.property(&target, "colour").await;
    assert!(matches!(
        refused,
        Err(CallError::Status {
            status: "UNRECOGNIZED_NAME",
            ..
        })
    ));
}

#[tokio::test]
async fn sessions_are_typed_into_together_and_restarted_under_another_id() {
    let stand_in = StandIn::open().await;
    let (client, _) = stand_in.client().await;
    let first = first_session(&client).await;
    let second = client.split_pane(&first, &Split::default()).await;
    let second = second.expect("a pane");
    let together = vec![vec![first.clone(), second.clone()]];
    client
        .set_broadcast_domains(&together)
        .await
        .expect("domains");
    assert_eq!(client.broadcast_domains().await.expect("domains"), together);
    client
        .send_text(&first, "echo both\n", false)
        .await
        .expect("typed");
    shows(&client, &second, "both").await;
    client
        .restart_session(&second, false)
        .await
        .expect("restarted");
    let layout = client.list_sessions().await.expect("a layout");
    assert!(layout.pane(&second).is_none());
    assert_eq!(layout.panes().len(), 2);
    let refused = client.restart_session(&SessionId::new("none"), false).await;
    assert!(refused.expect_err("a refusal").is_not_found());
}

#[tokio::test]
async fn nobody_else_is_served_during_a_transaction_and_a_lost_owner_ends_it() {
    let stand_in = StandIn::open().await;
    let (owner, _) = stand_in.client().await;
    let (other, _) = stand_in.client().await;
    owner.begin_transaction().await.expect("a transaction");
    let hasty = other.with_deadline(std::time::Duration::from_millis(100));
    let unserved = hasty.list_sessions().await;
    assert!(matches!(unserved, Err(CallError::Deadline { .. })));
    owner.list_sessions().await.expect("a layout");
    let patient = tokio::spawn(async move { other.list_sessions().await });
    drop(owner);
    patient.await.expect("a task").expect("a layout");
}
