//! How the sequences of a search branch.

use super::Step;

/// The last token of an unfinished sequence; `None` where there is none yet.
pub(super) type Place = Option<usize>;

/// The sequences of all sources: each token points back at the one before it, so that sequences that begin alike
/// share what they have in common and none is ever copied.
#[derive(Default)]
pub(super) struct Trellis {
    nodes: Vec<Node>,
    /// What each step's rows attended to: `[rows, source_time]`.
    attention: Vec<Option<Attention>>,
    /// How much each step's rows had to copy: `[rows]`.
    copied: Vec<Option<Vec<f32>>>,
}

struct Node {
    before: Place,
    token: u32,
    /// The row that it was chosen in.
    row: usize,
    /// ln p of the token, after those before it.
    log_probability: f64,
}

struct Attention {
    source_time: usize,
    weights: Vec<f32>,
}

impl Trellis {
    /// Keeps what a step's rows attended to, and how much they had to copy.
    pub(super) fn attend(&mut self, step: Step, rows: usize) {
        self.attention.push(step.attention.map(|weights| Attention {
            source_time: weights.len() / rows,
            weights,
        }));
        self.copied.push(step.copied);
    }

    /// A sequence that goes on with a token, which was chosen in this row of its step and has this log-probability
    /// there.
    pub(super) fn extend(
        &mut self,
        before: Place,
        token: u32,
        row: usize,
        log_probability: f64,
    ) -> Place {
        self.nodes.push(Node {
            before,
            token,
            row,
            log_probability,
        });
        Some(self.nodes.len() - 1)
    }

    /// A sequence's tokens.
    pub(super) fn tokens(&self, last: Place) -> Vec<u32> {
        let mut tokens: Vec<u32> = self.back(last).map(|node| node.token).collect();
        tokens.reverse();
        tokens
    }

    /// ln p of each token of a sequence.
    pub(super) fn log_probabilities(&self, last: Place) -> Vec<f64> {
        let mut all: Vec<f64> = self.back(last).map(|node| node.log_probability).collect();
        all.reverse();
        all
    }

    /// What was attended to when each token of a sequence was chosen, `[time][source_length]`; `None` if a step
    /// said nothing of it.
    pub(super) fn attention(&self, last: Place, source_length: usize) -> Option<Vec<Vec<f32>>> {
        let mut rows: Vec<usize> = self.back(last).map(|node| node.row).collect();
        rows.reverse();
        let weights = |(row, attention): (usize, &Option<Attention>)| {
            let attention = attention.as_ref()?;
            let first = row * attention.source_time;
            let length = source_length.min(attention.source_time);
            Some(attention.weights[first..first + length].to_vec())
        };
        // An empty sequence has attention, if only none of its own.
        self.attention.first()?.as_ref()?;
        rows.into_iter().zip(&self.attention).map(weights).collect()
    }

    /// How much was to be copied when each token of a sequence was chosen, `[time]`; `None` if a step said nothing
    /// of it.
    pub(super) fn copied(&self, last: Place) -> Option<Vec<f32>> {
        let mut rows: Vec<usize> = self.back(last).map(|node| node.row).collect();
        rows.reverse();
        self.copied.first()?.as_ref()?;
        let shares = rows.into_iter().zip(&self.copied);
        shares
            .map(|(row, shares)| Some(shares.as_ref()?[row]))
            .collect()
    }

    fn back(&self, last: Place) -> impl Iterator<Item = &Node> {
        let node = |place: usize| &self.nodes[place];
        std::iter::successors(last.map(node), move |after| after.before.map(node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_what_the_row_has_that_it_was_chosen_in() {
        let mut trellis = Trellis::default();
        let attend = |trellis: &mut Trellis, weights: &[f32], rows| {
            let step = Step {
                log_probabilities: Vec::new(),
                attention: Some(weights.to_vec()),
                copied: Some(weights.iter().take(rows).map(|x| 10.0 * x).collect()),
            };
            trellis.attend(step, rows);
        };
        attend(&mut trellis, &[0.1, 0.9], 1);
        let [a, b] = [7, 8].map(|token| trellis.extend(None, token, 0, -1.0));
        attend(&mut trellis, &[0.2, 0.8, 0.3, 0.7], 2);
        let c = trellis.extend(b, 9, 1, -0.5);
        assert_eq!(trellis.tokens(a), [7]);
        assert_eq!(trellis.tokens(c), [8, 9]);
        assert_eq!(trellis.log_probabilities(c), [-1.0, -0.5]);
        assert_eq!(trellis.attention(c, 2).unwrap(), [[0.1, 0.9], [0.3, 0.7]]);
        assert_eq!(trellis.attention(c, 1).unwrap(), [[0.1], [0.3]]);
        assert_eq!(trellis.attention(None, 2).unwrap(), Vec::<Vec<f32>>::new());
        assert_eq!(trellis.copied(c).unwrap(), [1.0, 8.0]);
        assert_eq!(trellis.copied(None).unwrap(), [0.0; 0]);
    }

    #[test]
    fn without_attention_there_is_none() {
        let mut trellis = Trellis::default();
        let step = Step {
            log_probabilities: Vec::new(),
            attention: None,
            copied: None,
        };
        trellis.attend(step, 1);
        let place = trellis.extend(None, 7, 0, -1.0);
        assert_eq!(trellis.attention(place, 2), None);
        assert_eq!(trellis.attention(None, 2), None);
        assert_eq!(trellis.copied(place), None);
    }
}
