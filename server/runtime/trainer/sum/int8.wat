;; Sums of int8 rows with a scale per block of 256 codes, and their squared norm. Twin: shared/codec/int8.ts.
(module
  (import "env" "memory" (memory 0))

  ;; Adds `blocks` blocks of every row. A row takes 16 bytes at `rows`: pointers to its codes and its scale bytes, its
  ;; weight as an integer, and padding. `scratch` is 4 KiB: 256 bytes of zero, then what the functions below leave there.
  ;;
  ;; Of a block, rows whose scale is among the largest `shiftMax` + 1 powers of two are summed as integers, each code
  ;; times weight << (scale - base), and become doubles once. `weight << shiftMax` fits 15 bits and there are at most
  ;; 64 rows, so 32 bits suffice; 16 do where the factors add up to 255. Every other row, and those that the grid may
  ;; clip, are added as doubles.
  (func (export "addInt8") (param $accumulator i32) (param $rows i32) (param $rowCount i32) (param $blocks i32)
        (param $shiftMax i32) (param $scratch i32)
    (local $block i32) (local $row i32) (local $rowsEnd i32) (local $base i32) (local $scale i32)
    (local $terms i32) (local $term i32) (local $factor i32) (local $factors i32) (local $integers i32)
    (local.set $terms (i32.add (local.get $scratch) (i32.const 512)))
    (local.set $integers (i32.add (local.get $scratch) (i32.const 2048)))
    (local.set $rowsEnd (i32.add (local.get $rows) (i32.shl (local.get $rowCount) (i32.const 4))))
    (block $done (loop $nextBlock
      (br_if $done (i32.ge_u (local.get $block) (local.get $blocks)))
      (if (i32.eqz (i32.and (local.get $block) (i32.const 15)))
        (then (call $boundScales (local.get $rows) (local.get $rowsEnd) (local.get $block) (local.get $shiftMax)
          (i32.add (local.get $scratch) (i32.const 256)))))
      (call $fetch (i32.add (local.get $accumulator) (i32.const 2048)) (local.get $scratch))
      (local.set $base (i32.load8_s offset=256
        (i32.add (local.get $scratch) (i32.and (local.get $block) (i32.const 15)))))
      (local.set $term (local.get $terms))
      (local.set $factors (i32.const 0))
      (local.set $row (local.get $rows))
      (loop $nextRow
        (local.set $scale (i32.load8_u (i32.add (i32.load offset=4 (local.get $row)) (local.get $block))))
        (if (i32.or (i32.lt_s (local.get $scale) (local.get $base)) (i32.gt_u (local.get $scale) (i32.const 34)))
          (then
            (call $addAsDoubles (local.get $accumulator) (call $codes (local.get $row) (local.get $block))
              (call $power (local.get $scale)) (f64.convert_i32_u (i32.load offset=8 (local.get $row)))))
          (else
            (local.set $factor
              (i32.shl (i32.load offset=8 (local.get $row)) (i32.sub (local.get $scale) (local.get $base))))
            (local.set $factors (i32.add (local.get $factors) (local.get $factor)))
            (i32.store offset=0 (local.get $term)
              (i32.add (i32.load offset=0 (local.get $row)) (i32.shl (local.get $block) (i32.const 8))))
            (i32.store offset=4 (local.get $term) (local.get $factor))
            (local.set $term (i32.add (local.get $term) (i32.const 8)))))
        (local.set $row (i32.add (local.get $row) (i32.const 16)))
        (br_if $nextRow (i32.lt_u (local.get $row) (local.get $rowsEnd))))
      (if (i32.ne (local.get $term) (local.get $terms))
        (then
          (if (i32.le_u (local.get $factors) (i32.const 255))
            (then (call $sumNarrow (local.get $integers) (local.get $terms) (local.get $term) (local.get $factors)))
            (else
              ;; A term of zeros makes the number even.
              (i32.store offset=0 (local.get $term) (local.get $scratch))
              (i32.store offset=4 (local.get $term) (i32.const 0))
              (call $sumWide (local.get $integers) (local.get $terms) (local.get $term))))
          (call $addIntegers (local.get $accumulator) (local.get $integers) (call $power (local.get $base)))))
      (local.set $accumulator (i32.add (local.get $accumulator) (i32.const 2048)))
      (local.set $block (i32.add (local.get $block) (i32.const 1)))
      (br $nextBlock))))

  ;; Reads a byte of each cache line of the next block's accumulators, so that they come while this one is computed: what
  ;; the processor fetches ahead by itself begins too late for so short a stream. The memory has room behind the last one.
  (func $fetch (param $accumulator i32) (param $scratch i32)
    (local $end i32) (local $any i32)
    (local.set $end (i32.add (local.get $accumulator) (i32.const 2048)))
    (loop $nextLine
      (local.set $any (i32.or (local.get $any) (i32.or
        (i32.or (i32.load8_u offset=0 (local.get $accumulator)) (i32.load8_u offset=64 (local.get $accumulator)))
        (i32.or (i32.load8_u offset=128 (local.get $accumulator)) (i32.load8_u offset=192 (local.get $accumulator))))))
      (local.set $accumulator (i32.add (local.get $accumulator) (i32.const 256)))
      (br_if $nextLine (i32.lt_u (local.get $accumulator) (local.get $end))))
    (i32.store offset=1024 (local.get $scratch) (local.get $any)))

  (func $codes (param $row i32) (param $block i32) (result i32)
    (i32.add (i32.load offset=0 (local.get $row)) (i32.shl (local.get $block) (i32.const 8))))

  ;; For 16 blocks, the scale byte that integers are counted in: the smallest, but no more than `shiftMax` below the
  ;; largest. Scales that are clipped are left out, and so is 0, which stands for a block of zeros most often.
  (func $boundScales (param $row i32) (param $rowsEnd i32) (param $block i32) (param $shiftMax i32) (param $bases i32)
    (local $scales v128) (local $isCounted v128) (local $smallest v128) (local $largest v128)
    (local.set $smallest (v128.const i8x16 34 34 34 34 34 34 34 34 34 34 34 34 34 34 34 34))
    (loop $nextRow
      (local.set $scales (v128.load (i32.add (i32.load offset=4 (local.get $row)) (local.get $block))))
      (local.set $isCounted (v128.and
        (i8x16.le_u (local.get $scales) (v128.const i8x16 34 34 34 34 34 34 34 34 34 34 34 34 34 34 34 34))
        (i8x16.ne (local.get $scales) (v128.const i64x2 0 0))))
      (local.set $largest (i8x16.max_u (local.get $largest) (v128.and (local.get $scales) (local.get $isCounted))))
      (local.set $smallest (i8x16.min_u (local.get $smallest)
        (v128.or (local.get $scales) (v128.not (local.get $isCounted)))))
      (local.set $row (i32.add (local.get $row) (i32.const 16)))
      (br_if $nextRow (i32.lt_u (local.get $row) (local.get $rowsEnd))))
    (v128.store (local.get $bases) (i8x16.max_s (local.get $smallest)
      (i8x16.sub (local.get $largest) (i8x16.splat (local.get $shiftMax))))))

  ;; 2^(exponent - 40): the scale of a scale byte.
  (func $power (param $exponent i32) (result f64)
    (f64.reinterpret_i64
      (i64.shl (i64.extend_i32_s (i32.add (local.get $exponent) (i32.const 983))) (i64.const 52))))

  ;; 256 columns of sums of codes * factor, where `factors`, the sum of the factors, is at most 255. Codes are taken as
  ;; bytes from 0 to 255, code + 128. `both` sums the bytes of two columns as one 16-bit number, low byte and 256 times the
  ;; high byte, modulo 2^16; `odd` the high bytes alone, which are below 2^16 together; the difference gives the even ones.
  (func $sumNarrow (param $integers i32) (param $terms i32) (param $termsEnd i32) (param $factors i32)
    (local $column i32) (local $term i32) (local $codes i32) (local $factor v128) (local $bytes v128)
    (local $bias v128) (local $excess v128)
    (local $both0 v128) (local $both1 v128) (local $both2 v128) (local $both3 v128)
    (local $odd0 v128) (local $odd1 v128) (local $odd2 v128) (local $odd3 v128)
    (local.set $bias (v128.const i32x4 0x80808080 0x80808080 0x80808080 0x80808080))
    (local.set $excess (i16x8.splat (i32.shl (local.get $factors) (i32.const 7))))
    (loop $nextColumns
      (local.set $both0 (v128.const i64x2 0 0))
      (local.set $both1 (v128.const i64x2 0 0))
      (local.set $both2 (v128.const i64x2 0 0))
      (local.set $both3 (v128.const i64x2 0 0))
      (local.set $odd0 (v128.const i64x2 0 0))
      (local.set $odd1 (v128.const i64x2 0 0))
      (local.set $odd2 (v128.const i64x2 0 0))
      (local.set $odd3 (v128.const i64x2 0 0))
      (local.set $term (local.get $terms))
      (loop $nextTerm
        (local.set $codes (i32.add (i32.load offset=0 (local.get $term)) (local.get $column)))
        (local.set $factor (v128.load16_splat offset=4 (local.get $term)))
        (local.set $bytes (v128.xor (v128.load offset=0 (local.get $codes)) (local.get $bias)))
        (local.set $both0 (i16x8.add (local.get $both0) (i16x8.mul (local.get $bytes) (local.get $factor))))
        (local.set $odd0 (i16x8.add (local.get $odd0)
          (i16x8.mul (i16x8.shr_u (local.get $bytes) (i32.const 8)) (local.get $factor))))
        (local.set $bytes (v128.xor (v128.load offset=16 (local.get $codes)) (local.get $bias)))
        (local.set $both1 (i16x8.add (local.get $both1) (i16x8.mul (local.get $bytes) (local.get $factor))))
        (local.set $odd1 (i16x8.add (local.get $odd1)
          (i16x8.mul (i16x8.shr_u (local.get $bytes) (i32.const 8)) (local.get $factor))))
        (local.set $bytes (v128.xor (v128.load offset=32 (local.get $codes)) (local.get $bias)))
        (local.set $both2 (i16x8.add (local.get $both2) (i16x8.mul (local.get $bytes) (local.get $factor))))
        (local.set $odd2 (i16x8.add (local.get $odd2)
          (i16x8.mul (i16x8.shr_u (local.get $bytes) (i32.const 8)) (local.get $factor))))
        (local.set $bytes (v128.xor (v128.load offset=48 (local.get $codes)) (local.get $bias)))
        (local.set $both3 (i16x8.add (local.get $both3) (i16x8.mul (local.get $bytes) (local.get $factor))))
        (local.set $odd3 (i16x8.add (local.get $odd3)
          (i16x8.mul (i16x8.shr_u (local.get $bytes) (i32.const 8)) (local.get $factor))))
        (local.set $term (i32.add (local.get $term) (i32.const 8)))
        (br_if $nextTerm (i32.lt_u (local.get $term) (local.get $termsEnd))))
      (call $storeNarrow (i32.add (local.get $integers) (i32.const 0))
        (local.get $both0) (local.get $odd0) (local.get $excess))
      (call $storeNarrow (i32.add (local.get $integers) (i32.const 64))
        (local.get $both1) (local.get $odd1) (local.get $excess))
      (call $storeNarrow (i32.add (local.get $integers) (i32.const 128))
        (local.get $both2) (local.get $odd2) (local.get $excess))
      (call $storeNarrow (i32.add (local.get $integers) (i32.const 192))
        (local.get $both3) (local.get $odd3) (local.get $excess))
      (local.set $integers (i32.add (local.get $integers) (i32.const 256)))
      (local.set $column (i32.add (local.get $column) (i32.const 64)))
      (br_if $nextColumns (i32.lt_u (local.get $column) (i32.const 256)))))

  ;; 16 columns in their order, without what 128 added to each code makes together.
  (func $storeNarrow (param $integers i32) (param $both v128) (param $odd v128) (param $excess v128)
    (local $even v128) (local $columns v128)
    (local.set $even (i16x8.sub
      (i16x8.sub (local.get $both) (i16x8.shl (local.get $odd) (i32.const 8))) (local.get $excess)))
    (local.set $odd (i16x8.sub (local.get $odd) (local.get $excess)))
    (local.set $columns
      (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $even) (local.get $odd)))
    (v128.store offset=0 (local.get $integers) (i32x4.extend_low_i16x8_s (local.get $columns)))
    (v128.store offset=16 (local.get $integers) (i32x4.extend_high_i16x8_s (local.get $columns)))
    (local.set $columns
      (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $even) (local.get $odd)))
    (v128.store offset=32 (local.get $integers) (i32x4.extend_low_i16x8_s (local.get $columns)))
    (v128.store offset=48 (local.get $integers) (i32x4.extend_high_i16x8_s (local.get $columns))))

  ;; The same without the limit: a multiply-add of 16-bit lanes takes two terms at once.
  (func $sumWide (param $integers i32) (param $terms i32) (param $termsEnd i32)
    (local $column i32) (local $term i32) (local $a i32) (local $b i32) (local $factors v128)
    (local $a0 v128) (local $b0 v128)
    (local $sum0 v128) (local $sum1 v128) (local $sum2 v128) (local $sum3 v128)
    (local $sum4 v128) (local $sum5 v128) (local $sum6 v128) (local $sum7 v128)
    (loop $nextColumns
      (local.set $sum0 (v128.const i32x4 0 0 0 0))
      (local.set $sum1 (v128.const i32x4 0 0 0 0))
      (local.set $sum2 (v128.const i32x4 0 0 0 0))
      (local.set $sum3 (v128.const i32x4 0 0 0 0))
      (local.set $sum4 (v128.const i32x4 0 0 0 0))
      (local.set $sum5 (v128.const i32x4 0 0 0 0))
      (local.set $sum6 (v128.const i32x4 0 0 0 0))
      (local.set $sum7 (v128.const i32x4 0 0 0 0))
      (local.set $term (local.get $terms))
      (loop $nextPair
        (local.set $a (i32.add (i32.load offset=0 (local.get $term)) (local.get $column)))
        (local.set $b (i32.add (i32.load offset=8 (local.get $term)) (local.get $column)))
        (local.set $factors (i32x4.splat
          (i32.or (i32.load offset=4 (local.get $term)) (i32.shl (i32.load offset=12 (local.get $term)) (i32.const 16)))))
        (local.set $a0 (v128.load8x8_s offset=0 (local.get $a)))
        (local.set $b0 (v128.load8x8_s offset=0 (local.get $b)))
        (local.set $sum0 (i32x4.add (local.get $sum0) (i32x4.dot_i16x8_s (local.get $factors)
          (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $a0) (local.get $b0)))))
        (local.set $sum1 (i32x4.add (local.get $sum1) (i32x4.dot_i16x8_s (local.get $factors)
          (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $a0) (local.get $b0)))))
        (local.set $a0 (v128.load8x8_s offset=8 (local.get $a)))
        (local.set $b0 (v128.load8x8_s offset=8 (local.get $b)))
        (local.set $sum2 (i32x4.add (local.get $sum2) (i32x4.dot_i16x8_s (local.get $factors)
          (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $a0) (local.get $b0)))))
        (local.set $sum3 (i32x4.add (local.get $sum3) (i32x4.dot_i16x8_s (local.get $factors)
          (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $a0) (local.get $b0)))))
        (local.set $a0 (v128.load8x8_s offset=16 (local.get $a)))
        (local.set $b0 (v128.load8x8_s offset=16 (local.get $b)))
        (local.set $sum4 (i32x4.add (local.get $sum4) (i32x4.dot_i16x8_s (local.get $factors)
          (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $a0) (local.get $b0)))))
        (local.set $sum5 (i32x4.add (local.get $sum5) (i32x4.dot_i16x8_s (local.get $factors)
          (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $a0) (local.get $b0)))))
        (local.set $a0 (v128.load8x8_s offset=24 (local.get $a)))
        (local.set $b0 (v128.load8x8_s offset=24 (local.get $b)))
        (local.set $sum6 (i32x4.add (local.get $sum6) (i32x4.dot_i16x8_s (local.get $factors)
          (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $a0) (local.get $b0)))))
        (local.set $sum7 (i32x4.add (local.get $sum7) (i32x4.dot_i16x8_s (local.get $factors)
          (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $a0) (local.get $b0)))))
        (local.set $term (i32.add (local.get $term) (i32.const 16)))
        (br_if $nextPair (i32.lt_u (local.get $term) (local.get $termsEnd))))
      (v128.store offset=0 (local.get $integers) (local.get $sum0))
      (v128.store offset=16 (local.get $integers) (local.get $sum1))
      (v128.store offset=32 (local.get $integers) (local.get $sum2))
      (v128.store offset=48 (local.get $integers) (local.get $sum3))
      (v128.store offset=64 (local.get $integers) (local.get $sum4))
      (v128.store offset=80 (local.get $integers) (local.get $sum5))
      (v128.store offset=96 (local.get $integers) (local.get $sum6))
      (v128.store offset=112 (local.get $integers) (local.get $sum7))
      (local.set $integers (i32.add (local.get $integers) (i32.const 128)))
      (local.set $column (i32.add (local.get $column) (i32.const 32)))
      (br_if $nextColumns (i32.lt_u (local.get $column) (i32.const 256)))))

  ;; 256 columns: accumulator += integer * unit.
  (func $addIntegers (param $accumulator i32) (param $integers i32) (param $unit f64)
    (local $end i32) (local $units v128)
    (local.set $units (f64x2.splat (local.get $unit)))
    (local.set $end (i32.add (local.get $integers) (i32.const 1024)))
    (loop $nextColumns
      (v128.store offset=0 (local.get $accumulator)
        (f64x2.add (v128.load offset=0 (local.get $accumulator))
          (f64x2.mul (local.get $units)
            (f64x2.convert_low_i32x4_s (v128.load64_zero offset=0 (local.get $integers))))))
      (v128.store offset=16 (local.get $accumulator)
        (f64x2.add (v128.load offset=16 (local.get $accumulator))
          (f64x2.mul (local.get $units)
            (f64x2.convert_low_i32x4_s (v128.load64_zero offset=8 (local.get $integers))))))
      (v128.store offset=32 (local.get $accumulator)
        (f64x2.add (v128.load offset=32 (local.get $accumulator))
          (f64x2.mul (local.get $units)
            (f64x2.convert_low_i32x4_s (v128.load64_zero offset=16 (local.get $integers))))))
      (v128.store offset=48 (local.get $accumulator)
        (f64x2.add (v128.load offset=48 (local.get $accumulator))
          (f64x2.mul (local.get $units)
            (f64x2.convert_low_i32x4_s (v128.load64_zero offset=24 (local.get $integers))))))
      (local.set $accumulator (i32.add (local.get $accumulator) (i32.const 64)))
      (local.set $integers (i32.add (local.get $integers) (i32.const 32)))
      (br_if $nextColumns (i32.lt_u (local.get $integers) (local.get $end)))))

  ;; 256 columns: accumulator += weight * grid(code * scale); the product is on the grid unless the grid clips it.
  (func $addAsDoubles (param $accumulator i32) (param $codes i32) (param $scale f64) (param $weight f64)
    (local $end i32) (local $scales v128) (local $weights v128)
    (if (call $isZero (local.get $codes)) (then (return)))
    (local.set $scales (f64x2.splat (local.get $scale)))
    (local.set $weights (f64x2.splat (local.get $weight)))
    (local.set $end (i32.add (local.get $codes) (i32.const 256)))
    (loop $nextTwo
      (v128.store (local.get $accumulator)
        (f64x2.add (v128.load (local.get $accumulator))
          (f64x2.mul (local.get $weights)
            (f64x2.pmax (v128.const f64x2 -0x1.ffffffffff8p+1 -0x1.ffffffffff8p+1)
              (f64x2.pmin (v128.const f64x2 0x1.ffffffffff8p+1 0x1.ffffffffff8p+1)
                (f64x2.mul (local.get $scales)
                  (f64x2.convert_low_i32x4_s (i32x4.extend_low_i16x8_s (i16x8.extend_low_i8x16_s
                    (i16x8.splat (i32.load16_u (local.get $codes))))))))))))
      (local.set $accumulator (i32.add (local.get $accumulator) (i32.const 16)))
      (local.set $codes (i32.add (local.get $codes) (i32.const 2)))
      (br_if $nextTwo (i32.lt_u (local.get $codes) (local.get $end)))))

  (func $isZero (param $codes i32) (result i32)
    (local $end i32) (local $any v128)
    (local.set $end (i32.add (local.get $codes) (i32.const 256)))
    (loop $nextCodes
      (local.set $any (v128.or (local.get $any) (v128.load (local.get $codes))))
      (local.set $codes (i32.add (local.get $codes) (i32.const 16)))
      (br_if $nextCodes (i32.lt_u (local.get $codes) (local.get $end))))
    (i32.eqz (v128.any_true (local.get $any))))

  ;; `sum` plus the squares of `blocks` blocks, block by block; NaN when a scale byte is off the grid.
  (func (export "squareInt8") (param $codes i32) (param $scaleBytes i32) (param $blocks i32) (param $sum f64) (result f64)
    (local $end i32) (local $scale f64) (local $byte i32) (local $squares v128) (local $eight v128)
    (block $done (loop $nextBlock
      (br_if $done (i32.eqz (local.get $blocks)))
      (local.set $byte (i32.load8_u (local.get $scaleBytes)))
      (if (i32.gt_u (local.get $byte) (i32.const 160)) (then (return (f64.const nan))))
      (local.set $squares (v128.const i32x4 0 0 0 0))
      (local.set $end (i32.add (local.get $codes) (i32.const 256)))
      (loop $nextCodes
        (local.set $eight (v128.load8x8_s offset=0 (local.get $codes)))
        (local.set $squares (i32x4.add (local.get $squares) (i32x4.dot_i16x8_s (local.get $eight) (local.get $eight))))
        (local.set $eight (v128.load8x8_s offset=8 (local.get $codes)))
        (local.set $squares (i32x4.add (local.get $squares) (i32x4.dot_i16x8_s (local.get $eight) (local.get $eight))))
        (local.set $codes (i32.add (local.get $codes) (i32.const 16)))
        (br_if $nextCodes (i32.lt_u (local.get $codes) (local.get $end))))
      (local.set $scale (call $power (local.get $byte)))
      (local.set $sum (f64.add (local.get $sum)
        (f64.mul (f64.mul (f64.convert_i32_s (call $total (local.get $squares))) (local.get $scale)) (local.get $scale))))
      (local.set $scaleBytes (i32.add (local.get $scaleBytes) (i32.const 1)))
      (local.set $blocks (i32.sub (local.get $blocks) (i32.const 1)))
      (br $nextBlock)))
    (local.get $sum))

  (func $total (param $lanes v128) (result i32)
    (i32.add
      (i32.add (i32x4.extract_lane 0 (local.get $lanes)) (i32x4.extract_lane 1 (local.get $lanes)))
      (i32.add (i32x4.extract_lane 2 (local.get $lanes)) (i32x4.extract_lane 3 (local.get $lanes))))))
