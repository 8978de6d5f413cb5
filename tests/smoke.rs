//! smoke
use wgrad::*;
#[test]
fn smoke() {
    let gpu = Device::gpu(GpuOptions::default().allow_software(true).sentinels(true)).unwrap();
    println!("{} {:?}", gpu.report(), gpu.report());
    let cpu = Device::cpu();
    let mut r = 1u32;
    let mut next = || { r = r.wrapping_mul(1664525).wrapping_add(1013904223); ((r >> 16) % 9) as f32 - 4.0 };
    for layout in Layout::ALL {
        for (m, n, k) in [(1, 1, 1), (5, 7, 3), (33, 40, 65), (64, 10, 100), (0, 3, 3), (3, 3, 0)] {
            let (sa, sb) = match layout { Layout::NN => ([m, k], [k, n]), Layout::NT => ([m, k], [n, k]), Layout::TN => ([k, m], [k, n]) };
            let a: Vec<f32> = (0..m * k).map(|_| next()).collect();
            let b: Vec<f32> = (0..n * k).map(|_| next()).collect();
            let f = |d: &Device| Tensor::new(d, sa, &a).unwrap().matmul(&Tensor::new(d, sb, &b).unwrap(), layout).unwrap().download().unwrap();
            assert_eq!(f(&gpu), f(&cpu), "{layout:?} {m} {n} {k}");
        }
    }
    let x: Vec<f32> = (0..20 * 11).map(|i| (i as f32 * 0.37).sin() * 5.0).collect();
    for d in [&gpu, &cpu] {
        let t = Tensor::new(d, [20, 11], &x).unwrap();
        let l = Words::new(d, &(0..20).map(|i| i % 11).collect::<Vec<_>>()).unwrap();
        let ce = t.cross_entropy(&l).unwrap();
        println!("{} {} {:?}", ce.loss, ce.correct, &ce.gradient.download().unwrap()[..12]);
        println!("{} {}", t.sum().unwrap(), t.norm().unwrap());
        for f in Activation::ALL {
            println!("{f} {:?}", &t.activate(f).unwrap().download().unwrap()[..6]);
            println!("{f} {:?}", &t.activate_backward(f, &t).unwrap().download().unwrap()[..6]);
        }
        println!("{:?}", &t.softmax().unwrap().download().unwrap()[..6]);
        println!("{:?}", &t.log_softmax().unwrap().download().unwrap()[..6]);
        println!("{:?}", &t.column_sum().unwrap().download().unwrap()[..6]);
        for o in [Optimizer::from(Sgd::new(0.1)), Sgd::new(0.1).momentum(0.9).into(), Adam::new(0.1).into(), Adagrad::new(0.1).into(), RmsProp::new(0.1).momentum(0.5).centered(true).into()] {
            let mut w = Tensor::new(d, [20, 11], &x).unwrap();
            let mut s = OptimizerState::new(&w, o).unwrap();
            for _ in 0..3 { w.update(&t, &mut s).unwrap(); }
            println!("{} {:?}", o.name(), &w.download().unwrap()[..6]);
        }
    }
}
