//! Presets of colours: the two that scripts choose between by the theme.

use quarterdeck_iterm2::proto::{
    ColorPresetRequest, ColorPresetResponse,
    color_preset_request::Request,
    color_preset_response::{GetPreset, ListPresets, Response, Status, get_preset::ColorSetting},
};

/// Name, what is behind the text, and the text.
const PRESETS: [(&str, f32, f32); 2] = [
    ("Dark Background", 0.0, 0.75),
    ("Light Background", 1.0, 0.0),
];

pub(crate) fn answer(request: &ColorPresetRequest) -> ColorPresetResponse {
    let answered = match &request.request {
        None => Err(Status::RequestMalformed),
        Some(Request::ListPresets(_)) => Ok(Response::ListPresets(ListPresets {
            name: PRESETS
                .iter()
                .map(|(name, ..)| (*name).to_owned())
                .collect(),
        })),
        Some(Request::GetPreset(get)) => (PRESETS.iter())
            .find(|(name, ..)| *name == get.name())
            .map(|(_, behind, text)| {
                let color_settings = vec![
                    grey("Background Color", *behind),
                    grey("Foreground Color", *text),
                    grey("Cursor Color", *text),
                ];
                Response::GetPreset(GetPreset { color_settings })
            })
            .ok_or(Status::PresetNotFound),
    };
    let (response, status) = match answered {
        Ok(response) => (Some(response), Status::Ok),
        Err(status) => (None, status),
    };
    ColorPresetResponse {
        response,
        status: Some(status as i32),
    }
}

fn grey(key: &str, part: f32) -> ColorSetting {
    ColorSetting {
        red: Some(part),
        green: Some(part),
        blue: Some(part),
        alpha: Some(1.0),
        color_space: Some("sRGB".to_owned()),
        key: Some(key.to_owned()),
    }
}
