//! Opens a tab in iTerm2, types numbered lines into it and reads them back, so many times:
//!
//!     cargo run -p quarterdeck-iterm2 --example type_and_read -- 10

use std::time::Duration;

use quarterdeck_iterm2::{Address, Client, CredentialSource, Interest, Lines, NewTab};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let times: u32 = std::env::args().nth(1).unwrap_or_default().parse()?;
    let address = Address::of_environment().ok_or("HOME is not set")?;
    let source = CredentialSource::of_environment("type_and_read");
    let client = Client::new(address, source);
    client.connected(Duration::from_secs(10)).await?;
    let new = NewTab {
        command: Some("/bin/cat".to_owned()),
        in_background: true,
        ..NewTab::default()
    };
    let session = client.create_tab(&new).await?.session;
    let mut notices = client.notices();
    client
        .subscribe(Interest::Screens(Some(session.clone())))
        .await?;
    for time in 0..times {
        client
            .send_text(&session, &format!("ours {time}\n"), true)
            .await?;
        let wanted = format!("ours {time}");
        while !client
            .buffer(&session, &Lines::Screen)
            .await?
            .text()
            .contains(&wanted)
        {
            notices.next().await;
        }
    }
    println!(
        "{}",
        client.buffer(&session, &Lines::Last(1)).await?.cursor.1
    );
    Ok(())
}
