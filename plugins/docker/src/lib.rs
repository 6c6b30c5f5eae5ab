//! The bundled progress parser `docker`: pulls, pushes and builds.
//!
//! For a pull or push each layer is an item and the whole counts layers; for a
//! build the whole counts steps, both as the classic builder prints them and as
//! BuildKit does. Compose counts what it pulls, starts and stops.

mod build;
mod layers;

use policy_progress_text::{Board, NoSettings, Program, Status, export_program};

/// What docker's output means.
#[derive(Debug, Clone, Default)]
pub struct Docker {
    layers: layers::Layers,
    build: build::Build,
}

impl Program for Docker {
    type Settings = NoSettings;

    fn configured(NoSettings {}: NoSettings) -> Result<Self, String> {
        Ok(Self::default())
    }

    fn line(&mut self, line: &str, board: &mut Board) {
        if self.layers.line(line, board) || self.build.line(line, board) {
            return;
        }
        if let Some(status) = line.strip_prefix("Status: ") {
            board.whole().label(status).finish();
        } else if let Some(error) = line
            .strip_prefix("ERROR: ")
            .or_else(|| line.strip_prefix("Error response from daemon: "))
        {
            board.whole().label(error).status(Status::Failed);
        }
    }
}

export_program!(Docker);

#[cfg(test)]
mod tests {
    use policy_progress_text::testing::{board_after, outline, splits_make_no_difference};

    use super::*;

    // As the documentation of docker shows it, with the movements of the cursor
    // that its client makes.
    const PULL: &str = include_str!("../tests/recordings/pull.txt");
    const CLASSIC: &str = include_str!("../tests/recordings/build-classic.txt");
    const BUILDKIT: &str = include_str!("../tests/recordings/buildkit-plain.txt");
    const COMPOSE: &str = include_str!("../tests/recordings/compose-up.txt");

    fn after(output: &str) -> Vec<String> {
        outline(&board_after(&Docker::default(), output))
    }

    #[test]
    fn layers_are_items_and_the_whole_counts_them() {
        let some = &PULL[..PULL.find("Download complete").unwrap() + 20];
        assert_eq!(
            after(some),
            [
                "a2abf6c4d29d: Running ?/? ? | Downloading",
                ": Running 0/3 0.0% | Layers",
                "a9edb18cadd1: Running ?/? ? | Download complete",
                "589b7251471a: Waiting ?/? ? | Waiting",
            ]
            .map(|line| line.replace(
                "a2abf6c4d29d: Running ?/? ?",
                "a2abf6c4d29d: Running 12100000/31360000 38.6%"
            ))
        );
        assert_eq!(
            after(PULL)[1],
            ": Completed 3/3 100.0% | Downloaded newer image for nginx:latest"
        );
    }

    #[test]
    fn the_classic_builder_counts_steps() {
        let some = &CLASSIC[..CLASSIC.find("Step 3/3").unwrap()];
        assert_eq!(after(some), [": Running 1/3 33.3% | RUN make"]);
        assert_eq!(
            after(CLASSIC),
            [": Completed 3/3 100.0% | Successfully built 9c9c8f2a4f5d"]
        );
    }

    #[test]
    fn buildkit_steps_may_overlap() {
        let some = &BUILDKIT[..BUILDKIT.find("#6 ERROR").unwrap()];
        assert_eq!(after(some), [": Running 1/3 33.3% | [2/3] RUN make"]);
        assert_eq!(
            after(BUILDKIT),
            [
                ": Failed 1/3 33.3% | failed to solve: process \"/bin/sh -c make\" did not complete successfully: exit c"
            ]
        );
    }

    #[test]
    fn compose_counts_what_it_starts() {
        assert_eq!(after(COMPOSE), [": Completed 2/2 100.0% | Running"]);
    }

    #[test]
    fn other_output_means_nothing() {
        assert!(
            after("note: Waiting\n#6 is late\nStep by step\n[+] nothing\nabc: Downloading\n")
                .is_empty()
        );
    }

    #[test]
    fn splits() {
        for recording in [PULL, CLASSIC, BUILDKIT, COMPOSE] {
            splits_make_no_difference(&Docker::default(), recording);
        }
    }
}
