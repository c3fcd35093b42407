;; Layer normalisation over the columns of a matrix: y = (x - mean) / sqrt(variance + epsilon) * scale + offset.
;; J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer Normalization" (2016). Sums run over four lanes, each in the order of
;; the columns, and the lanes are added in order: the bits are the same everywhere.
(module
  (import "env" "memory" (memory 0))

  (func $lanes (param $sum v128) (result f32)
    (f32.add
      (f32.add (f32.add (f32x4.extract_lane 0 (local.get $sum)) (f32x4.extract_lane 1 (local.get $sum)))
        (f32x4.extract_lane 2 (local.get $sum)))
      (f32x4.extract_lane 3 (local.get $sum))))

  ;; `columns` is a multiple of four; strides between rows are `columns`. `statistics` takes the mean and the inverse
  ;; deviation of each row.
  (func (export "layerNorm") (param $x i32) (param $y i32) (param $scale i32) (param $offset i32)
        (param $statistics i32) (param $rows i32) (param $columns i32) (param $epsilon f32)
    (local $bytes i32) (local $i i32) (local $sum v128) (local $mean v128) (local $inverse v128) (local $d v128)
    (local.set $bytes (i32.shl (local.get $columns) (i32.const 2)))
    (loop $nextRow
      (local.set $sum (v128.const i32x4 0 0 0 0))
      (local.set $i (i32.const 0))
      (loop $next
        (local.set $sum (f32x4.add (local.get $sum) (v128.load (i32.add (local.get $x) (local.get $i)))))
        (local.set $i (i32.add (local.get $i) (i32.const 16)))
        (br_if $next (i32.ne (local.get $i) (local.get $bytes))))
      (local.set $mean (f32x4.splat
        (f32.div (call $lanes (local.get $sum)) (f32.convert_i32_u (local.get $columns)))))
      (local.set $sum (v128.const i32x4 0 0 0 0))
      (local.set $i (i32.const 0))
      (loop $next
        (local.set $d (f32x4.sub (v128.load (i32.add (local.get $x) (local.get $i))) (local.get $mean)))
        (local.set $sum (f32x4.add (local.get $sum) (f32x4.mul (local.get $d) (local.get $d))))
        (local.set $i (i32.add (local.get $i) (i32.const 16)))
        (br_if $next (i32.ne (local.get $i) (local.get $bytes))))
      (local.set $inverse (f32x4.splat (f32.div (f32.const 1) (f32.sqrt (f32.add (local.get $epsilon)
        (f32.div (call $lanes (local.get $sum)) (f32.convert_i32_u (local.get $columns))))))))
      (local.set $i (i32.const 0))
      (loop $next
        (v128.store (i32.add (local.get $y) (local.get $i))
          (f32x4.add (v128.load (i32.add (local.get $offset) (local.get $i)))
            (f32x4.mul (v128.load (i32.add (local.get $scale) (local.get $i)))
              (f32x4.mul (local.get $inverse)
                (f32x4.sub (v128.load (i32.add (local.get $x) (local.get $i))) (local.get $mean))))))
        (local.set $i (i32.add (local.get $i) (i32.const 16)))
        (br_if $next (i32.ne (local.get $i) (local.get $bytes))))
      (f32.store (local.get $statistics) (f32x4.extract_lane 0 (local.get $mean)))
      (f32.store offset=4 (local.get $statistics) (f32x4.extract_lane 0 (local.get $inverse)))
      (local.set $statistics (i32.add (local.get $statistics) (i32.const 8)))
      (local.set $x (i32.add (local.get $x) (local.get $bytes)))
      (local.set $y (i32.add (local.get $y) (local.get $bytes)))
      (br_if $nextRow (local.tee $rows (i32.sub (local.get $rows) (i32.const 1))))))

  ;; With n = (x - mean) * inverse and g = dy * scale: dx = inverse * (g - mean(g) - n * mean(g * n)),
  ;; dScale += dy * n, dOffset += dy. `dScale` and `dOffset` are zero before the call; rows are added in order.
  (func (export "layerNormGradient") (param $x i32) (param $dy i32) (param $scale i32) (param $statistics i32)
        (param $dx i32) (param $dScale i32) (param $dOffset i32) (param $rows i32) (param $columns i32)
    (local $bytes i32) (local $i i32) (local $mean v128) (local $inverse v128) (local $n v128) (local $g v128)
    (local $d v128) (local $sumG v128) (local $sumGn v128)
    (local.set $bytes (i32.shl (local.get $columns) (i32.const 2)))
    (loop $nextRow
      (local.set $mean (v128.load32_splat (local.get $statistics)))
      (local.set $inverse (v128.load32_splat offset=4 (local.get $statistics)))
      (local.set $sumG (v128.const i32x4 0 0 0 0))
      (local.set $sumGn (v128.const i32x4 0 0 0 0))
      (local.set $i (i32.const 0))
      (loop $next
        (local.set $d (v128.load (i32.add (local.get $dy) (local.get $i))))
        (local.set $n (f32x4.mul (local.get $inverse)
          (f32x4.sub (v128.load (i32.add (local.get $x) (local.get $i))) (local.get $mean))))
        (local.set $g (f32x4.mul (local.get $d) (v128.load (i32.add (local.get $scale) (local.get $i)))))
        (local.set $sumG (f32x4.add (local.get $sumG) (local.get $g)))
        (local.set $sumGn (f32x4.add (local.get $sumGn) (f32x4.mul (local.get $g) (local.get $n))))
        (v128.store (i32.add (local.get $dScale) (local.get $i))
          (f32x4.add (v128.load (i32.add (local.get $dScale) (local.get $i)))
            (f32x4.mul (local.get $d) (local.get $n))))
        (v128.store (i32.add (local.get $dOffset) (local.get $i))
          (f32x4.add (v128.load (i32.add (local.get $dOffset) (local.get $i))) (local.get $d)))
        (local.set $i (i32.add (local.get $i) (i32.const 16)))
        (br_if $next (i32.ne (local.get $i) (local.get $bytes))))
      (local.set $sumG (f32x4.splat
        (f32.div (call $lanes (local.get $sumG)) (f32.convert_i32_u (local.get $columns)))))
      (local.set $sumGn (f32x4.splat
        (f32.div (call $lanes (local.get $sumGn)) (f32.convert_i32_u (local.get $columns)))))
      (local.set $i (i32.const 0))
      (loop $next
        (local.set $n (f32x4.mul (local.get $inverse)
          (f32x4.sub (v128.load (i32.add (local.get $x) (local.get $i))) (local.get $mean))))
        (local.set $g (f32x4.mul (v128.load (i32.add (local.get $dy) (local.get $i)))
          (v128.load (i32.add (local.get $scale) (local.get $i)))))
        (v128.store (i32.add (local.get $dx) (local.get $i))
          (f32x4.mul (local.get $inverse)
            (f32x4.sub (f32x4.sub (local.get $g) (local.get $sumG))
              (f32x4.mul (local.get $n) (local.get $sumGn)))))
        (local.set $i (i32.add (local.get $i) (i32.const 16)))
        (br_if $next (i32.ne (local.get $i) (local.get $bytes))))
      (local.set $statistics (i32.add (local.get $statistics) (i32.const 8)))
      (local.set $x (i32.add (local.get $x) (local.get $bytes)))
      (local.set $dy (i32.add (local.get $dy) (local.get $bytes)))
      (local.set $dx (i32.add (local.get $dx) (local.get $bytes)))
      (br_if $nextRow (local.tee $rows (i32.sub (local.get $rows) (i32.const 1)))))))
