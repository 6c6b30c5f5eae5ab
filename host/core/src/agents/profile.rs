//! A team's profile: its colour, and the file from which iTerm2 takes it.

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::colours::Colour;

/// The file that iTerm2 reads, in its folder of dynamic profiles.
pub const FILE_NAME: &str = "iterm-mcp-profiles.json";

/// How a team's sessions look.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TeamProfile {
    /// The team.
    pub team: String,
    /// Names the profile in iTerm2, for good.
    pub guid: String,
    /// Told apart from the other teams'.
    pub colour: Colour,
}

impl TeamProfile {
    /// A new profile, for a team whose colour was chosen.
    pub fn new(team: &str, hue: f64) -> Self {
        Self {
            team: team.to_owned(),
            guid: random_guid(),
            colour: Colour::of_hue(hue),
        }
    }

    pub(super) fn restored(team: &str, hue: f64, guid: String) -> Self {
        Self {
            team: team.to_owned(),
            guid,
            colour: Colour::of_hue(hue),
        }
    }

    /// The large text behind a session's screen.
    pub(crate) fn badge(&self) -> String {
        format!("🤖 {}", self.team)
    }

    /// As iTerm2's documentation of dynamic profiles wants it.
    fn to_dynamic_profile(&self, parent: Option<&str>) -> Value {
        let [red, green, blue] = self.colour.rgb();
        let mut profile = json!({
            "Name": format!("MCP Team: {}", self.team),
            "Guid": self.guid,
            "Custom Tab Color": true,
            "Use Tab Color": true,
            "Tab Color": {
                "Color Space": "sRGB",
                "Red Component": red,
                "Green Component": green,
                "Blue Component": blue,
                "Alpha Component": 1.0,
            },
            "Badge Text": self.badge(),
            "Tags": ["mcp", "team", self.team],
            "Initial Text": "",
        });
        if let Some(parent) = parent {
            profile["Dynamic Profile Parent GUID"] = parent.into();
        }
        profile
    }
}

/// All profiles as the text of the file.
pub fn dynamic_profiles<'a>(
    profiles: impl IntoIterator<Item = &'a TeamProfile>,
    parent: Option<&str>,
) -> String {
    let profiles: Vec<Value> = (profiles.into_iter())
        .map(|profile| profile.to_dynamic_profile(parent))
        .collect();
    format!("{:#}\n", json!({ "Profiles": profiles }))
}

/// Puts the file into iTerm2's folder, whole: iTerm2 reads it as soon as it changes.
pub fn write(folder: &Path, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(folder.join(FILE_NAME))?;
    Ok(())
}

/// A random GUID, in capitals as iTerm2 writes them.
fn random_guid() -> String {
    format!("{:X}", uuid::Uuid::new_v4().hyphenated())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iterm2_gets_what_its_documentation_asks_for() {
        let profiles = [TeamProfile::new("web", 180.0), TeamProfile::new("ops", 0.0)];
        let text = dynamic_profiles(&profiles, Some("PARENT"));
        let written: Value = serde_json::from_str(&text).expect("JSON");
        let web = &written["Profiles"][0];
        assert_eq!(web["Name"], "MCP Team: web");
        assert_eq!(web["Dynamic Profile Parent GUID"], "PARENT");
        let component = web["Tab Color"]["Green Component"]
            .as_f64()
            .expect("a number");
        assert!((component - 0.646).abs() < 1e-9, "{component}");
        assert_ne!(web["Guid"], written["Profiles"][1]["Guid"]);
    }

    #[test]
    fn the_file_is_replaced_whole() {
        let folder = tempfile::tempdir().expect("temporary folder");
        for text in ["a much longer text", "short"] {
            write(folder.path(), text).expect("write");
            let read = std::fs::read_to_string(folder.path().join(FILE_NAME)).expect("read");
            assert_eq!(read, text);
        }
    }
}
