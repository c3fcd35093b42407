;; Sums of float32 rows on the grid of shared/tensor/grid.ts, and their squared norm. Twin: shared/codec/float32.ts.
(module
  (import "env" "memory" (memory 0))

  ;; accumulator[c] += sum over pairs of weight * (grid(a[c]) + grid(b[c])), for c below `columns`, a multiple of 8.
  ;; A pair takes 16 bytes: pointers to a and b, then the weight as a double. Adding 1.5 * 2^12 rounds a value to the
  ;; grid; b is rounded by the negative, so that one addition takes both away again, exactly. Values are on the grid's side
  ;; of |v| < 4: others are for addClippedFloat32.
  (func (export "addFloat32") (param $accumulator i32) (param $pairs i32) (param $pairCount i32)
        (param $columns i32)
    (local $offset i32) (local $pair i32) (local $pairsEnd i32) (local $columnsEnd i32) (local $a i32) (local $b i32)
    (local $sum0 v128) (local $sum1 v128) (local $sum2 v128) (local $sum3 v128) (local $weight v128)
    (local $a0 v128) (local $a1 v128) (local $a2 v128) (local $a3 v128)
    (local $b0 v128) (local $b1 v128) (local $b2 v128) (local $b3 v128)
    (local $up v128) (local $down v128)
    (local.set $up (v128.const f64x2 6144 6144))
    (local.set $down (v128.const f64x2 -6144 -6144))
    (local.set $pairsEnd (i32.add (local.get $pairs) (i32.shl (local.get $pairCount) (i32.const 4))))
    (local.set $columnsEnd (i32.shl (local.get $columns) (i32.const 2)))
    (block $done (loop $nextColumns
      (br_if $done (i32.ge_u (local.get $offset) (local.get $columnsEnd)))
      (local.set $sum0 (v128.load offset=0 (local.get $accumulator)))
      (local.set $sum1 (v128.load offset=16 (local.get $accumulator)))
      (local.set $sum2 (v128.load offset=32 (local.get $accumulator)))
      (local.set $sum3 (v128.load offset=48 (local.get $accumulator)))
      (local.set $pair (local.get $pairs))
      (loop $nextPair
        (local.set $a (i32.add (i32.load offset=0 (local.get $pair)) (local.get $offset)))
        (local.set $b (i32.add (i32.load offset=4 (local.get $pair)) (local.get $offset)))
        (local.set $weight (v128.load64_splat offset=8 (local.get $pair)))
        (local.set $a0 (f64x2.promote_low_f32x4 (v128.load64_zero offset=0 (local.get $a))))
        (local.set $a1 (f64x2.promote_low_f32x4 (v128.load64_zero offset=8 (local.get $a))))
        (local.set $a2 (f64x2.promote_low_f32x4 (v128.load64_zero offset=16 (local.get $a))))
        (local.set $a3 (f64x2.promote_low_f32x4 (v128.load64_zero offset=24 (local.get $a))))
        (local.set $b0 (f64x2.promote_low_f32x4 (v128.load64_zero offset=0 (local.get $b))))
        (local.set $b1 (f64x2.promote_low_f32x4 (v128.load64_zero offset=8 (local.get $b))))
        (local.set $b2 (f64x2.promote_low_f32x4 (v128.load64_zero offset=16 (local.get $b))))
        (local.set $b3 (f64x2.promote_low_f32x4 (v128.load64_zero offset=24 (local.get $b))))
        (local.set $a0 (f64x2.add (f64x2.add (local.get $a0) (local.get $up)) (f64x2.add (local.get $b0) (local.get $down))))
        (local.set $a1 (f64x2.add (f64x2.add (local.get $a1) (local.get $up)) (f64x2.add (local.get $b1) (local.get $down))))
        (local.set $a2 (f64x2.add (f64x2.add (local.get $a2) (local.get $up)) (f64x2.add (local.get $b2) (local.get $down))))
        (local.set $a3 (f64x2.add (f64x2.add (local.get $a3) (local.get $up)) (f64x2.add (local.get $b3) (local.get $down))))
        (local.set $sum0 (f64x2.add (local.get $sum0) (f64x2.mul (local.get $a0) (local.get $weight))))
        (local.set $sum1 (f64x2.add (local.get $sum1) (f64x2.mul (local.get $a1) (local.get $weight))))
        (local.set $sum2 (f64x2.add (local.get $sum2) (f64x2.mul (local.get $a2) (local.get $weight))))
        (local.set $sum3 (f64x2.add (local.get $sum3) (f64x2.mul (local.get $a3) (local.get $weight))))
        (local.set $pair (i32.add (local.get $pair) (i32.const 16)))
        (br_if $nextPair (i32.lt_u (local.get $pair) (local.get $pairsEnd))))
      (v128.store offset=0 (local.get $accumulator) (local.get $sum0))
      (v128.store offset=16 (local.get $accumulator) (local.get $sum1))
      (v128.store offset=32 (local.get $accumulator) (local.get $sum2))
      (v128.store offset=48 (local.get $accumulator) (local.get $sum3))
      (local.set $accumulator (i32.add (local.get $accumulator) (i32.const 64)))
      (local.set $offset (i32.add (local.get $offset) (i32.const 32)))
      (br $nextColumns))))

  ;; The same for any finite values: magnitudes beyond the grid are clipped first. `columns` is a multiple of 2.
  (func (export "addClippedFloat32") (param $accumulator i32) (param $pairs i32) (param $pairCount i32)
        (param $columns i32)
    (local $offset i32) (local $pair i32) (local $pairsEnd i32) (local $columnsEnd i32) (local $sum v128)
    (local $max v128) (local $min v128)
    (local.set $max (v128.const f64x2 0x1.ffffffffff8p+1 0x1.ffffffffff8p+1))
    (local.set $min (v128.const f64x2 -0x1.ffffffffff8p+1 -0x1.ffffffffff8p+1))
    (local.set $pairsEnd (i32.add (local.get $pairs) (i32.shl (local.get $pairCount) (i32.const 4))))
    (local.set $columnsEnd (i32.shl (local.get $columns) (i32.const 2)))
    (block $done (loop $nextColumns
      (br_if $done (i32.ge_u (local.get $offset) (local.get $columnsEnd)))
      (local.set $sum (v128.load (local.get $accumulator)))
      (local.set $pair (local.get $pairs))
      (loop $nextPair
        (local.set $sum (f64x2.add (local.get $sum) (f64x2.mul (v128.load64_splat offset=8 (local.get $pair))
          (f64x2.add
            (f64x2.add (v128.const f64x2 6144 6144)
              (f64x2.pmax (local.get $min) (f64x2.pmin (local.get $max) (f64x2.promote_low_f32x4
                (v128.load64_zero (i32.add (i32.load offset=0 (local.get $pair)) (local.get $offset)))))))
            (f64x2.add (v128.const f64x2 -6144 -6144)
              (f64x2.pmax (local.get $min) (f64x2.pmin (local.get $max) (f64x2.promote_low_f32x4
                (v128.load64_zero (i32.add (i32.load offset=4 (local.get $pair)) (local.get $offset)))))))))))
        (local.set $pair (i32.add (local.get $pair) (i32.const 16)))
        (br_if $nextPair (i32.lt_u (local.get $pair) (local.get $pairsEnd))))
      (v128.store (local.get $accumulator) (local.get $sum))
      (local.set $accumulator (i32.add (local.get $accumulator) (i32.const 16)))
      (local.set $offset (i32.add (local.get $offset) (i32.const 8)))
      (br $nextColumns))))

  ;; Adds the squares of `count` values, a multiple of 4, to the four doubles at `state`, lane by lane, in order.
  ;; The next 16 bytes of `state` take the largest magnitudes seen.
  (func (export "squareFloat32") (param $values i32) (param $count i32) (param $state i32)
    (local $end i32) (local $four v128) (local $low v128) (local $high v128)
    (local $ab v128) (local $cd v128) (local $largest v128)
    (local.set $ab (v128.load offset=0 (local.get $state)))
    (local.set $cd (v128.load offset=16 (local.get $state)))
    (local.set $largest (v128.load offset=32 (local.get $state)))
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $count) (i32.const 2))))
    (block $done (loop $nextFour
      (br_if $done (i32.ge_u (local.get $values) (local.get $end)))
      (local.set $four (v128.load (local.get $values)))
      (local.set $low (f64x2.promote_low_f32x4 (local.get $four)))
      (local.set $high (f64x2.promote_low_f32x4
        (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $four) (local.get $four))))
      (local.set $ab (f64x2.add (local.get $ab) (f64x2.mul (local.get $low) (local.get $low))))
      (local.set $cd (f64x2.add (local.get $cd) (f64x2.mul (local.get $high) (local.get $high))))
      (local.set $largest (f32x4.pmax (local.get $largest) (f32x4.abs (local.get $four))))
      (local.set $values (i32.add (local.get $values) (i32.const 16)))
      (br $nextFour)))
    (v128.store offset=0 (local.get $state) (local.get $ab))
    (v128.store offset=16 (local.get $state) (local.get $cd))
    (v128.store offset=32 (local.get $state) (local.get $largest))))
