;; Single-precision matrix product on the heap of the TensorFlow.js WASM backend.
;;
;; The layout follows K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), and
;; BLIS: panels of A (4 rows) and B (8 columns) are packed so that the innermost loop reads both with unit stride.
;; Packing takes any row and column stride, so a transposed operand costs nothing.
;;
;; Determinism: f32x4.mul and f32x4.add only, and one accumulator per output that runs over k in order. A block of k
;; reloads the accumulator from C, so neither the block size nor the position in the tile changes a bit of the result.
(module
  (import "env" "memory" (memory 0))

  ;; Block sizes: rows of A, columns of B and depth held packed at once (64 KiB of A, 512 KiB of B).
  (global $blockRows i32 (i32.const 64))
  (global $blockColumns i32 (i32.const 512))
  (global $blockDepth i32 (i32.const 256))

  ;; Bytes of scratch `gemm` needs: one 4x8 tile, the packed block of A, the packed block of B.
  (func (export "gemmScratchBytes") (result i32)
    (i32.add (i32.const 128)
      (i32.mul (i32.mul (global.get $blockDepth) (i32.const 4))
               (i32.add (global.get $blockRows) (global.get $blockColumns)))))

  ;; Packs up to four lanes for `depth` steps, 16 bytes a step, absent lanes zero. Strides are in bytes.
  (func $packLanes (param $source i32) (param $target i32) (param $lanes i32) (param $depth i32)
        (param $laneStride i32) (param $depthStride i32) (param $targetStride i32)
    (local $lane i32) (local $p0 i32) (local $p1 i32) (local $p2 i32) (local $p3 i32)
    (local $v0 v128) (local $v1 v128) (local $v2 v128) (local $v3 v128)
    (local $t0 v128) (local $t1 v128) (local $t2 v128) (local $t3 v128)
    (if (i32.eq (local.get $lanes) (i32.const 4)) (then
      (if (i32.eq (local.get $laneStride) (i32.const 4)) (then
        (block $done (loop $next
          (br_if $done (i32.eqz (local.get $depth)))
          (v128.store (local.get $target) (v128.load (local.get $source)))
          (local.set $source (i32.add (local.get $source) (local.get $depthStride)))
          (local.set $target (i32.add (local.get $target) (local.get $targetStride)))
          (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
          (br $next)))
        (return)))
      (local.set $p0 (local.get $source))
      (local.set $p1 (i32.add (local.get $p0) (local.get $laneStride)))
      (local.set $p2 (i32.add (local.get $p1) (local.get $laneStride)))
      (local.set $p3 (i32.add (local.get $p2) (local.get $laneStride)))
      (if (i32.eq (local.get $depthStride) (i32.const 4)) (then
        ;; Four lanes that are contiguous along the depth: transpose 4x4 blocks in registers.
        (block $done (loop $next
          (br_if $done (i32.lt_u (local.get $depth) (i32.const 4)))
          (local.set $v0 (v128.load (local.get $p0)))
          (local.set $v1 (v128.load (local.get $p1)))
          (local.set $v2 (v128.load (local.get $p2)))
          (local.set $v3 (v128.load (local.get $p3)))
          (local.set $t0 (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $v0) (local.get $v1)))
          (local.set $t1 (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $v2) (local.get $v3)))
          (local.set $t2 (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $v0) (local.get $v1)))
          (local.set $t3 (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $v2) (local.get $v3)))
          (v128.store (local.get $target)
            (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $t0) (local.get $t1)))
          (local.set $target (i32.add (local.get $target) (local.get $targetStride)))
          (v128.store (local.get $target)
            (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $t0) (local.get $t1)))
          (local.set $target (i32.add (local.get $target) (local.get $targetStride)))
          (v128.store (local.get $target)
            (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $t2) (local.get $t3)))
          (local.set $target (i32.add (local.get $target) (local.get $targetStride)))
          (v128.store (local.get $target)
            (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $t2) (local.get $t3)))
          (local.set $target (i32.add (local.get $target) (local.get $targetStride)))
          (local.set $p0 (i32.add (local.get $p0) (i32.const 16)))
          (local.set $p1 (i32.add (local.get $p1) (i32.const 16)))
          (local.set $p2 (i32.add (local.get $p2) (i32.const 16)))
          (local.set $p3 (i32.add (local.get $p3) (i32.const 16)))
          (local.set $depth (i32.sub (local.get $depth) (i32.const 4)))
          (br $next)))))
      (block $done (loop $next
        (br_if $done (i32.eqz (local.get $depth)))
        (f32.store (local.get $target) (f32.load (local.get $p0)))
        (f32.store offset=4 (local.get $target) (f32.load (local.get $p1)))
        (f32.store offset=8 (local.get $target) (f32.load (local.get $p2)))
        (f32.store offset=12 (local.get $target) (f32.load (local.get $p3)))
        (local.set $p0 (i32.add (local.get $p0) (local.get $depthStride)))
        (local.set $p1 (i32.add (local.get $p1) (local.get $depthStride)))
        (local.set $p2 (i32.add (local.get $p2) (local.get $depthStride)))
        (local.set $p3 (i32.add (local.get $p3) (local.get $depthStride)))
        (local.set $target (i32.add (local.get $target) (local.get $targetStride)))
        (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
        (br $next)))
      (return)))
    ;; Edge of the matrix.
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $depth)))
      (v128.store (local.get $target) (v128.const i32x4 0 0 0 0))
      (local.set $p0 (local.get $source))
      (local.set $lane (i32.const 0))
      (block $filled (loop $fill
        (br_if $filled (i32.eq (local.get $lane) (local.get $lanes)))
        (f32.store (i32.add (local.get $target) (i32.shl (local.get $lane) (i32.const 2))) (f32.load (local.get $p0)))
        (local.set $p0 (i32.add (local.get $p0) (local.get $laneStride)))
        (local.set $lane (i32.add (local.get $lane) (i32.const 1)))
        (br $fill)))
      (local.set $source (i32.add (local.get $source) (local.get $depthStride)))
      (local.set $target (i32.add (local.get $target) (local.get $targetStride)))
      (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
      (br $next))))

  (func $atMost (param $value i32) (param $limit i32) (result i32)
    (select (local.get $value) (local.get $limit) (i32.lt_s (local.get $value) (local.get $limit))))

  ;; Panels of four rows of A.
  (func $packA (param $source i32) (param $target i32) (param $rows i32) (param $depth i32)
        (param $rowStride i32) (param $columnStride i32)
    (block $done (loop $next
      (br_if $done (i32.le_s (local.get $rows) (i32.const 0)))
      (call $packLanes (local.get $source) (local.get $target) (call $atMost (local.get $rows) (i32.const 4))
        (local.get $depth) (local.get $rowStride) (local.get $columnStride) (i32.const 16))
      (local.set $source (i32.add (local.get $source) (i32.shl (local.get $rowStride) (i32.const 2))))
      (local.set $target (i32.add (local.get $target) (i32.shl (local.get $depth) (i32.const 4))))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 4)))
      (br $next))))

  ;; Panels of eight columns of B: two interleaved halves of four lanes.
  (func $packB (param $source i32) (param $target i32) (param $columns i32) (param $depth i32)
        (param $rowStride i32) (param $columnStride i32)
    (local $right i32)
    (block $done (loop $next
      (br_if $done (i32.le_s (local.get $columns) (i32.const 0)))
      (call $packLanes (local.get $source) (local.get $target) (call $atMost (local.get $columns) (i32.const 4))
        (local.get $depth) (local.get $columnStride) (local.get $rowStride) (i32.const 32))
      (local.set $right (call $atMost (i32.sub (local.get $columns) (i32.const 4)) (i32.const 4)))
      (call $packLanes
        (i32.add (local.get $source) (i32.shl (local.get $columnStride) (i32.const 2)))
        (i32.add (local.get $target) (i32.const 16))
        (select (local.get $right) (i32.const 0) (i32.gt_s (local.get $right) (i32.const 0)))
        (local.get $depth) (local.get $columnStride) (local.get $rowStride) (i32.const 32))
      (local.set $source (i32.add (local.get $source) (i32.shl (local.get $columnStride) (i32.const 3))))
      (local.set $target (i32.add (local.get $target) (i32.shl (local.get $depth) (i32.const 5))))
      (local.set $columns (i32.sub (local.get $columns) (i32.const 8)))
      (br $next))))

  ;; Copies a part of a 4x8 tile between C and scratch.
  (func $copyTile (param $source i32) (param $sourceStride i32) (param $target i32) (param $targetStride i32)
        (param $rows i32) (param $columns i32)
    (local $column i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $rows)))
      (local.set $column (i32.const 0))
      (loop $copy
        (f32.store (i32.add (local.get $target) (local.get $column))
          (f32.load (i32.add (local.get $source) (local.get $column))))
        (local.set $column (i32.add (local.get $column) (i32.const 4)))
        (br_if $copy (i32.ne (local.get $column) (i32.shl (local.get $columns) (i32.const 2)))))
      (local.set $source (i32.add (local.get $source) (local.get $sourceStride)))
      (local.set $target (i32.add (local.get $target) (local.get $targetStride)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br $next))))

  ;; One 4x8 tile over `depth` steps: eight accumulators, two vectors of B and one splat of A fit sixteen registers.
  ;; The loop is not unrolled: V8 then spills accumulators and loses a third of the speed.
  (func $tile (param $a i32) (param $b i32) (param $bStep i32) (param $depth i32) (param $c i32) (param $cStride i32)
        (param $accumulate i32)
    (local $c1 i32) (local $c2 i32) (local $c3 i32) (local $s v128) (local $b0 v128) (local $b1 v128)
    (local $r00 v128) (local $r01 v128) (local $r10 v128) (local $r11 v128)
    (local $r20 v128) (local $r21 v128) (local $r30 v128) (local $r31 v128)
    (local.set $c1 (i32.add (local.get $c) (local.get $cStride)))
    (local.set $c2 (i32.add (local.get $c1) (local.get $cStride)))
    (local.set $c3 (i32.add (local.get $c2) (local.get $cStride)))
    (if (local.get $accumulate) (then
      (local.set $r00 (v128.load (local.get $c))) (local.set $r01 (v128.load offset=16 (local.get $c)))
      (local.set $r10 (v128.load (local.get $c1))) (local.set $r11 (v128.load offset=16 (local.get $c1)))
      (local.set $r20 (v128.load (local.get $c2))) (local.set $r21 (v128.load offset=16 (local.get $c2)))
      (local.set $r30 (v128.load (local.get $c3))) (local.set $r31 (v128.load offset=16 (local.get $c3)))))
    (loop $next
      (local.set $b0 (v128.load (local.get $b)))
      (local.set $b1 (v128.load offset=16 (local.get $b)))
      (local.set $s (v128.load32_splat (local.get $a)))
      (local.set $r00 (f32x4.add (local.get $r00) (f32x4.mul (local.get $s) (local.get $b0))))
      (local.set $r01 (f32x4.add (local.get $r01) (f32x4.mul (local.get $s) (local.get $b1))))
      (local.set $s (v128.load32_splat offset=4 (local.get $a)))
      (local.set $r10 (f32x4.add (local.get $r10) (f32x4.mul (local.get $s) (local.get $b0))))
      (local.set $r11 (f32x4.add (local.get $r11) (f32x4.mul (local.get $s) (local.get $b1))))
      (local.set $s (v128.load32_splat offset=8 (local.get $a)))
      (local.set $r20 (f32x4.add (local.get $r20) (f32x4.mul (local.get $s) (local.get $b0))))
      (local.set $r21 (f32x4.add (local.get $r21) (f32x4.mul (local.get $s) (local.get $b1))))
      (local.set $s (v128.load32_splat offset=12 (local.get $a)))
      (local.set $r30 (f32x4.add (local.get $r30) (f32x4.mul (local.get $s) (local.get $b0))))
      (local.set $r31 (f32x4.add (local.get $r31) (f32x4.mul (local.get $s) (local.get $b1))))
      (local.set $a (i32.add (local.get $a) (i32.const 16)))
      (local.set $b (i32.add (local.get $b) (local.get $bStep)))
      (br_if $next (local.tee $depth (i32.sub (local.get $depth) (i32.const 1)))))
    (v128.store (local.get $c) (local.get $r00)) (v128.store offset=16 (local.get $c) (local.get $r01))
    (v128.store (local.get $c1) (local.get $r10)) (v128.store offset=16 (local.get $c1) (local.get $r11))
    (v128.store (local.get $c2) (local.get $r20)) (v128.store offset=16 (local.get $c2) (local.get $r21))
    (v128.store (local.get $c3) (local.get $r30)) (v128.store offset=16 (local.get $c3) (local.get $r31)))

  ;; Packed rows of A times panels of B. `bStep` and `bPanel` are the bytes from one k, and one panel, to the next, so
  ;; that rows of an unpacked B serve as well.
  (func $block (param $a i32) (param $b i32) (param $bStep i32) (param $bPanel i32) (param $c i32)
        (param $cStride i32) (param $rows i32) (param $columns i32) (param $depth i32) (param $accumulate i32)
        (param $edge i32)
    (local $left i32) (local $panel i32) (local $target i32) (local $height i32) (local $width i32)
    (block $columnsDone (loop $nextColumns
      (br_if $columnsDone (i32.le_s (local.get $columns) (i32.const 0)))
      (local.set $width (call $atMost (local.get $columns) (i32.const 8)))
      (local.set $panel (local.get $a))
      (local.set $target (local.get $c))
      (local.set $left (local.get $rows))
      (block $rowsDone (loop $nextRows
        (br_if $rowsDone (i32.le_s (local.get $left) (i32.const 0)))
        (local.set $height (call $atMost (local.get $left) (i32.const 4)))
        (if (i32.and (i32.eq (local.get $width) (i32.const 8)) (i32.eq (local.get $height) (i32.const 4)))
          (then (call $tile (local.get $panel) (local.get $b) (local.get $bStep) (local.get $depth)
            (local.get $target) (local.get $cStride) (local.get $accumulate)))
          (else
            (if (local.get $accumulate) (then
              (call $copyTile (local.get $target) (local.get $cStride) (local.get $edge) (i32.const 32)
                (local.get $height) (local.get $width))))
            (call $tile (local.get $panel) (local.get $b) (local.get $bStep) (local.get $depth)
              (local.get $edge) (i32.const 32) (local.get $accumulate))
            (call $copyTile (local.get $edge) (i32.const 32) (local.get $target) (local.get $cStride)
              (local.get $height) (local.get $width))))
        (local.set $panel (i32.add (local.get $panel) (i32.shl (local.get $depth) (i32.const 4))))
        (local.set $target (i32.add (local.get $target) (i32.shl (local.get $cStride) (i32.const 2))))
        (local.set $left (i32.sub (local.get $left) (i32.const 4)))
        (br $nextRows)))
      (local.set $b (i32.add (local.get $b) (local.get $bPanel)))
      (local.set $c (i32.add (local.get $c) (i32.const 32)))
      (local.set $columns (i32.sub (local.get $columns) (i32.const 8)))
      (br $nextColumns))))

  ;; C[rows, columns] = A[rows, depth] B[depth, columns], plus C where `accumulate` is 1. All strides are in bytes; the
  ;; columns of C are contiguous. `depth` is positive. `scratch` holds `gemmScratchBytes` bytes.
  (func (export "gemm") (param $a i32) (param $aRow i32) (param $aColumn i32)
        (param $b i32) (param $bRow i32) (param $bColumn i32)
        (param $c i32) (param $cRow i32) (param $rows i32) (param $columns i32) (param $depth i32)
        (param $accumulate i32) (param $scratch i32)
    (local $column i32) (local $step i32) (local $row i32) (local $width i32) (local $height i32) (local $steps i32)
    (local $add i32) (local $packedA i32) (local $packedB i32) (local $direct i32) (local $corner i32)
    (local.set $packedA (i32.add (local.get $scratch) (i32.const 128)))
    (local.set $packedB (i32.add (local.get $packedA)
      (i32.mul (i32.mul (global.get $blockRows) (global.get $blockDepth)) (i32.const 4))))
    (block $columnsDone (loop $nextColumns
      (br_if $columnsDone (i32.ge_s (local.get $column) (local.get $columns)))
      (local.set $width (call $atMost (i32.sub (local.get $columns) (local.get $column)) (global.get $blockColumns)))
      ;; With few rows a packed B is read too seldom to repay the packing: whole panels are read where they lie.
      (local.set $direct (i32.const 0))
      (if (i32.and (i32.eq (local.get $bColumn) (i32.const 4)) (i32.le_s (local.get $rows) (i32.const 8)))
        (then (local.set $direct (i32.and (local.get $width) (i32.const -8)))))
      (local.set $step (i32.const 0))
      (block $depthDone (loop $nextDepth
        (br_if $depthDone (i32.ge_s (local.get $step) (local.get $depth)))
        (local.set $steps (call $atMost (i32.sub (local.get $depth) (local.get $step)) (global.get $blockDepth)))
        (local.set $add (i32.or (local.get $accumulate) (i32.ne (local.get $step) (i32.const 0))))
        (local.set $corner (i32.add (local.get $b) (i32.add
          (i32.mul (local.get $step) (local.get $bRow)) (i32.mul (local.get $column) (local.get $bColumn)))))
        (call $packB (i32.add (local.get $corner) (i32.mul (local.get $direct) (local.get $bColumn)))
          (local.get $packedB) (i32.sub (local.get $width) (local.get $direct)) (local.get $steps)
          (local.get $bRow) (local.get $bColumn))
        (local.set $row (i32.const 0))
        (block $rowsDone (loop $nextRows
          (br_if $rowsDone (i32.ge_s (local.get $row) (local.get $rows)))
          (local.set $height (call $atMost (i32.sub (local.get $rows) (local.get $row)) (global.get $blockRows)))
          (call $packA
            (i32.add (local.get $a) (i32.add
              (i32.mul (local.get $row) (local.get $aRow)) (i32.mul (local.get $step) (local.get $aColumn))))
            (local.get $packedA) (local.get $height) (local.get $steps) (local.get $aRow) (local.get $aColumn))
          (if (local.get $direct) (then
            (call $block (local.get $packedA) (local.get $corner) (local.get $bRow) (i32.const 32)
              (i32.add (local.get $c) (i32.add
                (i32.mul (local.get $row) (local.get $cRow)) (i32.shl (local.get $column) (i32.const 2))))
              (local.get $cRow) (local.get $height) (local.get $direct) (local.get $steps) (local.get $add)
              (local.get $scratch))))
          (call $block (local.get $packedA) (local.get $packedB) (i32.const 32)
            (i32.shl (local.get $steps) (i32.const 5))
            (i32.add (local.get $c) (i32.add (i32.mul (local.get $row) (local.get $cRow))
              (i32.shl (i32.add (local.get $column) (local.get $direct)) (i32.const 2))))
            (local.get $cRow) (local.get $height) (i32.sub (local.get $width) (local.get $direct))
            (local.get $steps) (local.get $add) (local.get $scratch))
          (local.set $row (i32.add (local.get $row) (global.get $blockRows)))
          (br $nextRows)))
        (local.set $step (i32.add (local.get $step) (global.get $blockDepth)))
        (br $nextDepth)))
      (local.set $column (i32.add (local.get $column) (global.get $blockColumns)))
      (br $nextColumns)))))
