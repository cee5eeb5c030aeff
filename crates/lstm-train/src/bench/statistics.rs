//! Medians, quartiles and means of measured times.

/// The value below which a share of all values lies, by the nearest one that was measured. The
/// share is in `0..=1`, and there is at least one value.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * (sorted.len() - 1) as f64;
    sorted[place.round() as usize]
}

/// The middle value.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The mean of ratios: the exponential of the mean logarithm. NaN without any.
pub fn geometric_mean(ratios: &[f64]) -> f64 {
    let logarithms: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (logarithms / ratios.len() as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(median(&values), 3.0);
        assert_eq!(quantile(&values, 0.25), 2.0);
        assert_eq!(quantile(&values, 0.75), 4.0);
        assert_eq!((quantile(&values, 0.0), quantile(&values, 1.0)), (1.0, 5.0));
        assert_eq!(median(&[7.0]), 7.0);
    }

    #[test]
    fn a_ratio_and_its_inverse_have_a_geometric_mean_of_1() {
        assert!((geometric_mean(&[4.0, 0.25]) - 1.0).abs() < 1e-12);
        assert!((geometric_mean(&[1.0, 8.0, 1.0]) - 2.0).abs() < 1e-12);
    }
}
