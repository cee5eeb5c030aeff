use burn::tensor::{Device, Distribution, Tensor};
use lstm_core::*;
use std::time::Instant;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let cells: Vec<&str> = args[1].split(',').collect();
    let modes: Vec<&str> = args[2].split(',').collect();
    let shapes: Vec<Vec<usize>> = args[3].split(':').map(|s| s.split(',').map(|v| v.parse().unwrap()).collect()).collect();
    let uniform = args.get(4).is_some_and(|a| a == "uniform");
    for cell in &cells { for mode in &modes { for s in &shapes {
        let (b, t, i, h, l) = (s[0], s[1], s[2], s[3], s[4]);
        let kind = if *cell == "lstm" { Cell::Lstm } else { Cell::Gru };
        let base = Device::flex();
        let dev = if *mode == "train" { base.clone().autodiff() } else { base.clone() };
        let layer = RecurrentConfig::new(kind, i, h).with_layers(l).init(&dev);
        let x = Tensor::<3>::random([b, t, i], Distribution::Normal(0.0, 1.0), &dev);
        let dy = Tensor::<3>::random([b, t, h], Distribution::Normal(0.0, 1.0), &dev);
        let lens: Vec<usize> = if uniform { (0..b).map(|k| 1 + (k * 7919 % b) * t / b).collect() } else { vec![t; b] };
        let lengths = Lengths::new(lens, t).unwrap();
        let mut ts = vec![];
        let start = Instant::now();
        while ts.len() < 5 || start.elapsed().as_secs_f64() < 1.5 {
            let st = Instant::now();
            if *mode == "train" {
                let x = x.clone().require_grad();
                let (o, _) = layer.forward(x.clone(), &lengths, None, Mode::Inference);
                let g = (o * dy.clone()).sum().backward();
                std::hint::black_box(x.grad(&g));
            } else {
                let (o, _) = layer.forward(x.clone(), &lengths, None, Mode::Inference);
                std::hint::black_box(o);
            }
            ts.push(st.elapsed().as_secs_f64() * 1e3);
        }
        ts.sort_by(|a, b| a.total_cmp(b));
        let steps = lengths.total() as f64;
        let g = if kind == Cell::Lstm { 4.0 } else { 3.0 };
        let mut f = 0.0;
        for k in 0..l { f += 2.0 * steps * g * h as f64 * ((if k == 0 { i } else { h }) + h) as f64; }
        if *mode == "train" { f *= 3.0 }
        println!("{cell} {mode} {s:?} median {:.2} min {:.2} ms  {:.0} GF/s (best {:.0})", ts[ts.len()/2], ts[0], f / ts[ts.len()/2] / 1e6, f / ts[0] / 1e6);
    } } }
}
