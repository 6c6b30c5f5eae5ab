//! How panes look and which is in front.

use std::time::Duration;

use quarterdeck_iterm2::{ActivateTarget, CallError, ProfileTarget, SessionId};
use serde_json::{Value, json};

use super::application::Application;
use super::error::Iterm2Error;

/// How long iTerm2 may take to bring a pane to the front: macOS may move between spaces.
const FOCUS_PATIENCE: Duration = Duration::from_secs(10);

/// A colour of the screen, without transparency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb {
    /// 0 to 255.
    pub red: u8,
    /// 0 to 255.
    pub green: u8,
    /// 0 to 255.
    pub blue: u8,
}

/// How a session looks; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appearance {
    /// Its name, on its tab.
    pub name: Option<String>,
    /// The large text behind its screen; empty for none.
    pub badge: Option<String>,
    /// The colour of its tab; `Some(None)` for that of the others.
    pub tab_color: Option<Option<Rgb>>,
    /// Behind the text.
    pub background: Option<Rgb>,
    /// Of the cursor.
    pub cursor: Option<Rgb>,
}

impl Rgb {
    /// As profiles write it: parts from 0 to 1 of sRGB.
    fn property(self) -> Value {
        let part = |part: u8| f64::from(part) / 255.0;
        json!({
            "Red Component": part(self.red),
            "Green Component": part(self.green),
            "Blue Component": part(self.blue),
            "Alpha Component": 1,
            "Color Space": "sRGB",
        })
    }
}

impl Appearance {
    /// As properties of a profile. The name is none.
    fn properties(&self) -> Vec<(&'static str, Value)> {
        let mut properties = Vec::new();
        if let Some(badge) = &self.badge {
            properties.push(("Badge Text", badge.as_str().into()));
        }
        match self.tab_color {
            Some(Some(color)) => {
                properties.push(("Use Tab Color", true.into()));
                properties.push(("Tab Color", color.property()));
            }
            Some(None) => properties.push(("Use Tab Color", false.into())),
            None => (),
        }
        let colors = [
            ("Background Color", self.background),
            ("Cursor Color", self.cursor),
        ];
        for (key, color) in colors {
            properties.extend(color.map(|color| (key, color.property())));
        }
        properties
    }
}

impl Application {
    /// Changes how a session looks; its profile stays as it is.
    pub async fn set_appearance(
        &self,
        handle: &str,
        appearance: &Appearance,
    ) -> Result<(), Iterm2Error> {
        let pane = SessionId::new(handle);
        let properties = appearance.properties();
        if !properties.is_empty() {
            let target = ProfileTarget::Session(pane.clone());
            known(handle, self.client.set_profile(&target, &properties).await)?;
        }
        if let Some(name) = &appearance.name {
            known(handle, self.client.set_name(&pane, name).await)?;
        }
        Ok(())
    }

    /// Brings a session, its tab, its window and the application to the front.
    pub async fn focus(&self, handle: &str) -> Result<(), Iterm2Error> {
        let client = self.client.with_deadline(FOCUS_PATIENCE);
        let target = ActivateTarget::Session(SessionId::new(handle));
        known(handle, client.activate(&target).await)?;
        Ok(client.activate(&ActivateTarget::Application).await?)
    }

    /// Shows bytes in a session as if its program had written them. A session's screen shows them only
    /// where it is mirrored: they come from no program.
    pub async fn inject(&self, handle: &str, bytes: &[u8]) -> Result<(), Iterm2Error> {
        let pane = SessionId::new(handle);
        known(handle, self.client.inject(&pane, bytes).await)
    }

    /// The names of the profiles that there are.
    pub async fn profiles(&self) -> Result<Vec<String>, Iterm2Error> {
        let profiles = self.client.profiles(&["Name"]).await?;
        let name = |profile: &quarterdeck_iterm2::Profile| {
            let name = profile.get("Name")?.as_str()?;
            Some(name.to_owned())
        };
        Ok(profiles.iter().filter_map(name).collect())
    }

    /// Which sessions a person types into together.
    pub async fn broadcast_domains(&self) -> Result<Vec<Vec<String>>, Iterm2Error> {
        let domains = self.client.broadcast_domains().await?;
        let names = |domain: &Vec<SessionId>| domain.iter().map(SessionId::to_string).collect();
        Ok(domains.iter().map(names).collect())
    }

    /// Says which sessions a person types into together: groups without a session in common,
    /// each in one window. What a host types goes to its session alone.
    pub async fn set_broadcast_domains(&self, domains: &[Vec<String>]) -> Result<(), Iterm2Error> {
        let ids = |domain: &Vec<String>| domain.iter().map(|id| SessionId::new(id)).collect();
        let domains: Vec<Vec<SessionId>> = domains.iter().map(ids).collect();
        Ok(self.client.set_broadcast_domains(&domains).await?)
    }
}

/// Tells what the pane is called that is not there.
fn known<T>(handle: &str, outcome: Result<T, CallError>) -> Result<T, Iterm2Error> {
    outcome.map_err(|error| match error.is_not_found() {
        true => Iterm2Error::NoPane {
            pane: handle.to_owned(),
        },
        false => error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_becomes_a_property() {
        assert_eq!(Appearance::default().properties(), []);
        let appearance = Appearance {
            badge: Some("build".to_owned()),
            tab_color: Some(None),
            background: Some(Rgb {
                red: 255,
                green: 0,
                blue: 51,
            }),
            ..Appearance::default()
        };
        let properties = appearance.properties();
        let keys: Vec<&str> = properties.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["Badge Text", "Use Tab Color", "Background Color"]);
        assert_eq!(properties[2].1["Blue Component"], 0.2);
    }
}
