//! How long each sequence of a padded batch really is.

/// The lengths of a batch of sequences padded to the same number of time steps: in any order, and
/// 0 is allowed. Lengths stay on the host, because a browser cannot read a tensor synchronously.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lengths {
    lengths: Vec<usize>,
    time: usize,
}

/// A length that does not fit its batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sequence {index} has length {length}, but the batch has only {time} time steps")]
pub struct LengthsError {
    /// Which sequence of the batch, from 0.
    pub index: usize,
    /// The length that was given.
    pub length: usize,
    /// The number of time steps of the batch.
    pub time: usize,
}

impl Lengths {
    /// The lengths of a batch `[lengths.len(), time, …]`.
    ///
    /// # Errors
    ///
    /// A length beyond `time`.
    pub fn new(lengths: impl Into<Vec<usize>>, time: usize) -> Result<Self, LengthsError> {
        let lengths = lengths.into();
        match lengths.iter().position(|&length| length > time) {
            Some(index) => Err(LengthsError {
                index,
                length: lengths[index],
                time,
            }),
            None => Ok(Self { lengths, time }),
        }
    }

    /// A batch without padding.
    pub fn full(batch: usize, time: usize) -> Self {
        Self {
            lengths: vec![time; batch],
            time,
        }
    }

    /// The number of sequences.
    pub fn batch(&self) -> usize {
        self.lengths.len()
    }

    /// The number of time steps that every sequence is padded to.
    pub fn time(&self) -> usize {
        self.time
    }

    /// Each sequence's length.
    pub fn as_slice(&self) -> &[usize] {
        &self.lengths
    }

    /// The number of time steps that are not padding.
    pub fn total(&self) -> usize {
        self.lengths.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_batch_is_refused_by_name() {
        let error = Lengths::new([2, 5, 0], 4).unwrap_err();
        assert_eq!(
            error.to_string(),
            "sequence 1 has length 5, but the batch has only 4 time steps"
        );
    }

    #[test]
    fn any_order_and_zero_are_allowed() {
        let lengths = Lengths::new([2, 4, 0], 4).unwrap();
        assert_eq!((lengths.batch(), lengths.total()), (3, 6));
    }
}
