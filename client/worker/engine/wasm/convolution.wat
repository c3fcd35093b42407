;; Convolution as a matrix product: patches of an NHWC image become the rows of a matrix, and back.
(module
  (import "env" "memory" (memory 0))

  ;; target = source, or target += source.
  (func $run (param $source i32) (param $target i32) (param $bytes i32) (param $add i32)
    (if (local.get $add)
      (then
        (block $done (loop $next
          (br_if $done (i32.lt_u (local.get $bytes) (i32.const 16)))
          (v128.store (local.get $target)
            (f32x4.add (v128.load (local.get $target)) (v128.load (local.get $source))))
          (local.set $source (i32.add (local.get $source) (i32.const 16)))
          (local.set $target (i32.add (local.get $target) (i32.const 16)))
          (local.set $bytes (i32.sub (local.get $bytes) (i32.const 16)))
          (br $next)))
        (block $done (loop $next
          (br_if $done (i32.eqz (local.get $bytes)))
          (f32.store (local.get $target) (f32.add (f32.load (local.get $target)) (f32.load (local.get $source))))
          (local.set $source (i32.add (local.get $source) (i32.const 4)))
          (local.set $target (i32.add (local.get $target) (i32.const 4)))
          (local.set $bytes (i32.sub (local.get $bytes) (i32.const 4)))
          (br $next))))
      (else
        (block $done (loop $next
          (br_if $done (i32.lt_u (local.get $bytes) (i32.const 16)))
          (v128.store (local.get $target) (v128.load (local.get $source)))
          (local.set $source (i32.add (local.get $source) (i32.const 16)))
          (local.set $target (i32.add (local.get $target) (i32.const 16)))
          (local.set $bytes (i32.sub (local.get $bytes) (i32.const 16)))
          (br $next)))
        (block $done (loop $next
          (br_if $done (i32.eqz (local.get $bytes)))
          (i32.store (local.get $target) (i32.load (local.get $source)))
          (local.set $source (i32.add (local.get $source) (i32.const 4)))
          (local.set $target (i32.add (local.get $target) (i32.const 4)))
          (local.set $bytes (i32.sub (local.get $bytes) (i32.const 4)))
          (br $next))))))

  (func $clear (param $target i32) (param $bytes i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $bytes)))
      (i32.store (local.get $target) (i32.const 0))
      (local.set $target (i32.add (local.get $target) (i32.const 4)))
      (local.set $bytes (i32.sub (local.get $bytes) (i32.const 4)))
      (br $next))))

  ;; Rows `first` to `first + rows` of the patch matrix: one row for each output pixel of the batch, in order, of
  ;; filterHeight * filterWidth * channels values. With `scatter` 0 the rows are gathered from the image, zero where
  ;; the filter hangs over the edge (im2col); with 1 they are added to the image (col2im).
  (func (export "patches") (param $image i32) (param $matrix i32) (param $first i32) (param $rows i32)
        (param $height i32) (param $width i32) (param $pixelBytes i32) (param $outHeight i32) (param $outWidth i32)
        (param $filterHeight i32) (param $filterWidth i32) (param $strideY i32) (param $strideX i32)
        (param $dilationY i32) (param $dilationX i32) (param $padTop i32) (param $padLeft i32) (param $scatter i32)
    (local $outX i32) (local $outY i32) (local $y i32) (local $x i32) (local $left i32) (local $line i32)
    (local $filterY i32) (local $filterX i32) (local $lineBytes i32) (local $runBytes i32) (local $source i32)
    (local.set $lineBytes (i32.mul (local.get $width) (local.get $pixelBytes)))
    (local.set $runBytes (i32.mul (local.get $filterWidth) (local.get $pixelBytes)))
    (local.set $outX (i32.rem_u (local.get $first) (local.get $outWidth)))
    (local.set $first (i32.div_u (local.get $first) (local.get $outWidth)))
    (local.set $outY (i32.rem_u (local.get $first) (local.get $outHeight)))
    (local.set $image (i32.add (local.get $image) (i32.mul
      (i32.mul (i32.div_u (local.get $first) (local.get $outHeight)) (local.get $height)) (local.get $lineBytes))))
    (block $rowsDone (loop $nextRow
      (br_if $rowsDone (i32.eqz (local.get $rows)))
      (local.set $left (i32.sub (i32.mul (local.get $outX) (local.get $strideX)) (local.get $padLeft)))
      (local.set $y (i32.sub (i32.mul (local.get $outY) (local.get $strideY)) (local.get $padTop)))
      (local.set $filterY (local.get $filterHeight))
      (loop $nextLine
        (block $lineDone
          ;; Unsigned comparisons catch the negative coordinates too.
          (if (i32.ge_u (local.get $y) (local.get $height)) (then
            (if (i32.eqz (local.get $scatter)) (then
              (call $clear (local.get $matrix) (local.get $runBytes))))
            (local.set $matrix (i32.add (local.get $matrix) (local.get $runBytes)))
            (br $lineDone)))
          (local.set $line (i32.add (local.get $image) (i32.mul (local.get $y) (local.get $lineBytes))))
          (if (i32.and (i32.eq (local.get $dilationX) (i32.const 1))
                (i32.and (i32.ge_s (local.get $left) (i32.const 0))
                  (i32.le_s (i32.add (local.get $left) (local.get $filterWidth)) (local.get $width)))) (then
            (local.set $source
              (i32.add (local.get $line) (i32.mul (local.get $left) (local.get $pixelBytes))))
            (call $run
              (select (local.get $matrix) (local.get $source) (local.get $scatter))
              (select (local.get $source) (local.get $matrix) (local.get $scatter))
              (local.get $runBytes) (local.get $scatter))
            (local.set $matrix (i32.add (local.get $matrix) (local.get $runBytes)))
            (br $lineDone)))
          (local.set $x (local.get $left))
          (local.set $filterX (local.get $filterWidth))
          (loop $nextPixel
            (if (i32.lt_u (local.get $x) (local.get $width))
              (then
                (local.set $source
                  (i32.add (local.get $line) (i32.mul (local.get $x) (local.get $pixelBytes))))
                (call $run
                  (select (local.get $matrix) (local.get $source) (local.get $scatter))
                  (select (local.get $source) (local.get $matrix) (local.get $scatter))
                  (local.get $pixelBytes) (local.get $scatter)))
              (else (if (i32.eqz (local.get $scatter)) (then
                (call $clear (local.get $matrix) (local.get $pixelBytes))))))
            (local.set $matrix (i32.add (local.get $matrix) (local.get $pixelBytes)))
            (local.set $x (i32.add (local.get $x) (local.get $dilationX)))
            (br_if $nextPixel (local.tee $filterX (i32.sub (local.get $filterX) (i32.const 1))))))
        (local.set $y (i32.add (local.get $y) (local.get $dilationY)))
        (br_if $nextLine (local.tee $filterY (i32.sub (local.get $filterY) (i32.const 1)))))
      (local.set $outX (i32.add (local.get $outX) (i32.const 1)))
      (if (i32.eq (local.get $outX) (local.get $outWidth)) (then
        (local.set $outX (i32.const 0))
        (local.set $outY (i32.add (local.get $outY) (i32.const 1)))
        (if (i32.eq (local.get $outY) (local.get $outHeight)) (then
          (local.set $outY (i32.const 0))
          (local.set $image
            (i32.add (local.get $image) (i32.mul (local.get $height) (local.get $lineBytes))))))))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br $nextRow)))))
