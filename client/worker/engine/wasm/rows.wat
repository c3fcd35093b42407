;; Row-wise helpers: copies, the sum of rows by segment, and the epilogue of a fused matrix product.
(module
  (import "env" "memory" (memory 0))

  ;; `rows` rows of `bytes` bytes each, from one row stride to another.
  (func (export "copyRows") (param $source i32) (param $sourceStride i32) (param $target i32)
        (param $targetStride i32) (param $bytes i32) (param $rows i32)
    (block $done (loop $nextRow
      (br_if $done (i32.eqz (local.get $rows)))
      (memory.copy (local.get $target) (local.get $source) (local.get $bytes))
      (local.set $source (i32.add (local.get $source) (local.get $sourceStride)))
      (local.set $target (i32.add (local.get $target) (local.get $targetStride)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br $nextRow))))

  ;; Row indices[i] of `source` becomes row i of `target`, for all i below `rows`. The result is `rows`, or the first i
  ;; whose index is outside of [0, sourceRows).
  (func (export "gatherRows") (param $source i32) (param $sourceRows i32) (param $indices i32) (param $target i32)
        (param $bytes i32) (param $rows i32) (result i32)
    (local $row i32) (local $index i32)
    (block $done (loop $nextRow
      (br_if $done (i32.eq (local.get $row) (local.get $rows)))
      (local.set $index
        (i32.load (i32.add (local.get $indices) (i32.shl (local.get $row) (i32.const 2)))))
      (br_if $done (i32.ge_u (local.get $index) (local.get $sourceRows)))
      (memory.copy (local.get $target)
        (i32.add (local.get $source) (i32.mul (local.get $index) (local.get $bytes))) (local.get $bytes))
      (local.set $target (i32.add (local.get $target) (local.get $bytes)))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br $nextRow)))
    (local.get $row))

  ;; Row i of x is added to row segmentIds[i] of target, in the order of i; ids outside [0, segments) are dropped.
  ;; `target` is zero before the call.
  (func (export "segmentSum") (param $x i32) (param $segmentIds i32) (param $target i32) (param $rows i32)
        (param $columns i32) (param $segments i32)
    (local $segment i32) (local $rowBytes i32) (local $left i32) (local $to i32)
    (local.set $rowBytes (i32.shl (local.get $columns) (i32.const 2)))
    (block $done (loop $nextRow
      (br_if $done (i32.eqz (local.get $rows)))
      (local.set $segment (i32.load (local.get $segmentIds)))
      (if (i32.lt_u (local.get $segment) (local.get $segments))
        (then
          (local.set $to (i32.add (local.get $target) (i32.mul (local.get $segment) (local.get $rowBytes))))
          (local.set $left (local.get $rowBytes))
          (block $vectorsDone (loop $nextVector
            (br_if $vectorsDone (i32.lt_u (local.get $left) (i32.const 16)))
            (v128.store (local.get $to) (f32x4.add (v128.load (local.get $to)) (v128.load (local.get $x))))
            (local.set $to (i32.add (local.get $to) (i32.const 16)))
            (local.set $x (i32.add (local.get $x) (i32.const 16)))
            (local.set $left (i32.sub (local.get $left) (i32.const 16)))
            (br $nextVector)))
          (block $valuesDone (loop $nextValue
            (br_if $valuesDone (i32.eqz (local.get $left)))
            (f32.store (local.get $to) (f32.add (f32.load (local.get $to)) (f32.load (local.get $x))))
            (local.set $to (i32.add (local.get $to) (i32.const 4)))
            (local.set $x (i32.add (local.get $x) (i32.const 4)))
            (local.set $left (i32.sub (local.get $left) (i32.const 4)))
            (br $nextValue))))
        (else (local.set $x (i32.add (local.get $x) (local.get $rowBytes)))))
      (local.set $segmentIds (i32.add (local.get $segmentIds) (i32.const 4)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br $nextRow))))

  ;; In place: clamp(target + bias, low, high), `bias` one value for each column or absent (0). Bounds of -inf and +inf
  ;; leave values as they are.
  (func (export "addBias") (param $target i32) (param $rows i32) (param $columns i32) (param $bias i32)
        (param $low f32) (param $high f32)
    (local $left i32) (local $from i32) (local $vector v128) (local $value f32) (local $lows v128) (local $highs v128)
    (local.set $lows (f32x4.splat (local.get $low)))
    (local.set $highs (f32x4.splat (local.get $high)))
    (block $done (loop $nextRow
      (br_if $done (i32.eqz (local.get $rows)))
      (local.set $from (local.get $bias))
      (local.set $left (local.get $columns))
      (block $vectorsDone (loop $nextVector
        (br_if $vectorsDone (i32.lt_u (local.get $left) (i32.const 4)))
        (local.set $vector (v128.load (local.get $target)))
        (if (local.get $bias) (then
          (local.set $vector (f32x4.add (local.get $vector) (v128.load (local.get $from))))))
        (v128.store (local.get $target)
          (f32x4.min (f32x4.max (local.get $vector) (local.get $lows)) (local.get $highs)))
        (local.set $target (i32.add (local.get $target) (i32.const 16)))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (local.set $left (i32.sub (local.get $left) (i32.const 4)))
        (br $nextVector)))
      (block $valuesDone (loop $nextValue
        (br_if $valuesDone (i32.eqz (local.get $left)))
        (local.set $value (f32.load (local.get $target)))
        (if (local.get $bias) (then
          (local.set $value (f32.add (local.get $value) (f32.load (local.get $from))))))
        (f32.store (local.get $target)
          (f32.min (f32.max (local.get $value) (local.get $low)) (local.get $high)))
        (local.set $target (i32.add (local.get $target) (i32.const 4)))
        (local.set $from (i32.add (local.get $from) (i32.const 4)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $nextValue)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br $nextRow)))))
