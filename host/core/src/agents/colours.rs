//! Colours for teams, each as far from the others as can be. Pure.

use quarterdeck_terminal::iterm2::Rgb;
use serde::Serialize;

/// The first team's hue: teal.
const FIRST_HUE: f64 = 180.0;

/// A colour by hue (degrees), saturation and lightness (percent).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Colour {
    /// 0 to 360, degrees.
    pub hue: f64,
    /// Percent.
    pub saturation: f64,
    /// Percent.
    pub lightness: f64,
}

impl Colour {
    /// A team's colour: strong enough to be told apart, dark enough for white text.
    pub fn of_hue(hue: f64) -> Self {
        Self {
            hue,
            saturation: 70.0,
            lightness: 38.0,
        }
    }

    /// Red, green and blue, each 0 to 1.
    pub fn rgb(self) -> [f64; 3] {
        let (saturation, lightness) = (self.saturation / 100.0, self.lightness / 100.0);
        let amplitude = saturation * lightness.min(1.0 - lightness);
        // CSS Color 4, "Converting HSL colors to sRGB".
        [0.0, 8.0, 4.0].map(|n| {
            let k = (n + self.hue / 30.0) % 12.0;
            lightness - amplitude * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0)
        })
    }

    /// The same as a screen has it.
    pub(crate) fn on_screen(self) -> Rgb {
        let [red, green, blue] = self.rgb().map(|part| (part * 255.0).round() as u8);
        Rgb { red, green, blue }
    }
}

/// The hue that a new team gets beside those that are `taken` (degrees): the middle
/// of the first of the largest gaps.
pub fn next_hue(taken: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = taken.iter().map(|hue| hue.rem_euclid(360.0)).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(&first) = sorted.first() else {
        return FIRST_HUE;
    };
    let ends = sorted.iter().skip(1).copied().chain([first + 360.0]);
    let (mut widest, mut middle) = (0.0, FIRST_HUE);
    for (start, end) in sorted.iter().zip(ends) {
        if end - start > widest {
            widest = end - start;
            middle = (start + widest / 2.0).rem_euclid(360.0);
        }
    }
    middle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hue_halves_the_first_of_the_largest_gaps() {
        let mut hues = Vec::new();
        for _ in 0..8 {
            hues.push(next_hue(&hues));
        }
        assert_eq!(hues, [180.0, 0.0, 90.0, 270.0, 45.0, 135.0, 225.0, 315.0]);
    }

    #[test]
    fn a_hue_that_was_given_back_is_found_again() {
        assert_eq!(next_hue(&[180.0, 0.0, 270.0]), 90.0);
        assert_eq!(next_hue(&[10.0]), 190.0);
    }

    #[test]
    fn hues_become_the_colours_that_people_call_so() {
        let rounded = |hue| {
            Colour::of_hue(hue)
                .rgb()
                .map(|it| (it * 255.0).round() as u8)
        };
        assert_eq!(rounded(0.0), [165, 29, 29]);
        assert_eq!(rounded(120.0), [29, 165, 29]);
        assert_eq!(rounded(180.0), [29, 165, 165]);
    }
}
