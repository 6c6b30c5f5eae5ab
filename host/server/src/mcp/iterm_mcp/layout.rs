//! Layouts, as this family's clients name them.

use quarterdeck_core::HostError;
use quarterdeck_core::operations::NamedLayout;

/// The layout of a name, in capitals or not; none is a single pane.
pub(crate) fn layout_named(name: &str) -> Result<NamedLayout, HostError> {
    match name.trim().to_uppercase().replace('-', "_").as_str() {
        "" | "SINGLE" => Ok(NamedLayout::Single),
        "HORIZONTAL_SPLIT" | "HORIZONTAL" => Ok(NamedLayout::HorizontalSplit),
        "VERTICAL_SPLIT" | "VERTICAL" => Ok(NamedLayout::VerticalSplit),
        "QUAD" => Ok(NamedLayout::Quad),
        "TRIPLE_RIGHT" | "LEFT_TWO_RIGHT" => Ok(NamedLayout::TripleRight),
        "TRIPLE_BOTTOM" | "TOP_TWO_BOTTOM" => Ok(NamedLayout::TripleBottom),
        _ => Err(HostError::InvalidParameters(format!(
            "there is no layout {name:?}; the layouts are SINGLE, HORIZONTAL_SPLIT (side by side), VERTICAL_SPLIT (stacked), QUAD, TRIPLE_RIGHT (one left, two right) and TRIPLE_BOTTOM (one above, two below)"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_known_by_the_documents_names() {
        for (name, layout) in [
            ("", NamedLayout::Single),
            ("SINGLE", NamedLayout::Single),
            ("horizontal", NamedLayout::HorizontalSplit),
            ("VERTICAL_SPLIT", NamedLayout::VerticalSplit),
            ("quad", NamedLayout::Quad),
            ("triple-right", NamedLayout::TripleRight),
            ("TOP_TWO_BOTTOM", NamedLayout::TripleBottom),
        ] {
            assert_eq!(layout_named(name).expect(name), layout, "{name}");
        }
        assert!(layout_named("CIRCLE").is_err());
    }
}
