;; Gradient of max pooling, NHWC.
(module
  (import "env" "memory" (memory 0))

  (func $scatter (param $position i32) (param $dx i32) (param $value f32)
    ;; -1: nothing in the window compared as greater than -Infinity, so no element takes the gradient.
    (if (i32.ge_s (local.get $position) (i32.const 0)) (then
      (local.set $dx (i32.add (local.get $dx) (local.get $position)))
      (f32.store (local.get $dx) (f32.add (f32.load (local.get $dx)) (local.get $value))))))

  ;; dx += dy at the first maximum of each window. `dx` is zero before the call; positions are byte offsets from the
  ;; first channel of the image, and the channels of a vector are searched together.
  (func (export "maxPoolGradient") (param $x i32) (param $dy i32) (param $dx i32) (param $batch i32)
        (param $height i32) (param $width i32) (param $channels i32) (param $outHeight i32) (param $outWidth i32)
        (param $filterHeight i32) (param $filterWidth i32) (param $strideY i32) (param $strideX i32)
        (param $padTop i32) (param $padLeft i32)
    (local $outY i32) (local $outX i32) (local $top i32) (local $bottom i32) (local $left i32) (local $right i32)
    (local $row i32) (local $column i32) (local $channel i32) (local $offset i32) (local $pixelBytes i32)
    (local $best v128) (local $at v128) (local $value v128) (local $mask v128) (local $bestOne f32) (local $atOne i32)
    (local $valueOne f32)
    (local.set $pixelBytes (i32.shl (local.get $channels) (i32.const 2)))
    (loop $nextImage
      (local.set $outY (i32.const 0))
      (loop $nextOutY
        (local.set $top (i32.sub (i32.mul (local.get $outY) (local.get $strideY)) (local.get $padTop)))
        (local.set $bottom (call $atMost (i32.add (local.get $top) (local.get $filterHeight)) (local.get $height)))
        (local.set $top (call $atLeastZero (local.get $top)))
        (local.set $outX (i32.const 0))
        (loop $nextOutX
          (local.set $left (i32.sub (i32.mul (local.get $outX) (local.get $strideX)) (local.get $padLeft)))
          (local.set $right (call $atMost (i32.add (local.get $left) (local.get $filterWidth)) (local.get $width)))
          (local.set $left (call $atLeastZero (local.get $left)))
          (local.set $channel (i32.const 0))
          (block $vectorsDone (loop $nextVector
            (br_if $vectorsDone
              (i32.gt_u (i32.add (local.get $channel) (i32.const 16)) (local.get $pixelBytes)))
            (local.set $best (f32x4.splat (f32.const -inf)))
            (local.set $at (i32x4.splat (i32.const -1)))
            (local.set $row (local.get $top))
            (block $rowsDone (loop $nextRow
              (br_if $rowsDone (i32.ge_s (local.get $row) (local.get $bottom)))
              (local.set $column (local.get $left))
              (local.set $offset (i32.mul (local.get $pixelBytes)
                (i32.add (i32.mul (local.get $row) (local.get $width)) (local.get $left))))
              (block $columnsDone (loop $nextColumn
                (br_if $columnsDone (i32.ge_s (local.get $column) (local.get $right)))
                (local.set $value (v128.load
                  (i32.add (local.get $x) (i32.add (local.get $offset) (local.get $channel)))))
                (local.set $mask (f32x4.gt (local.get $value) (local.get $best)))
                (local.set $best (v128.bitselect (local.get $value) (local.get $best) (local.get $mask)))
                (local.set $at
                  (v128.bitselect (i32x4.splat (local.get $offset)) (local.get $at) (local.get $mask)))
                (local.set $offset (i32.add (local.get $offset) (local.get $pixelBytes)))
                (local.set $column (i32.add (local.get $column) (i32.const 1)))
                (br $nextColumn)))
              (local.set $row (i32.add (local.get $row) (i32.const 1)))
              (br $nextRow)))
            (local.set $value (v128.load (i32.add (local.get $dy) (local.get $channel))))
            (local.set $offset (i32.add (local.get $dx) (local.get $channel)))
            (call $scatter (i32x4.extract_lane 0 (local.get $at)) (local.get $offset)
              (f32x4.extract_lane 0 (local.get $value)))
            (call $scatter (i32x4.extract_lane 1 (local.get $at)) (i32.add (local.get $offset) (i32.const 4))
              (f32x4.extract_lane 1 (local.get $value)))
            (call $scatter (i32x4.extract_lane 2 (local.get $at)) (i32.add (local.get $offset) (i32.const 8))
              (f32x4.extract_lane 2 (local.get $value)))
            (call $scatter (i32x4.extract_lane 3 (local.get $at)) (i32.add (local.get $offset) (i32.const 12))
              (f32x4.extract_lane 3 (local.get $value)))
            (local.set $channel (i32.add (local.get $channel) (i32.const 16)))
            (br $nextVector)))
          (block $channelsDone (loop $nextChannel
            (br_if $channelsDone (i32.ge_u (local.get $channel) (local.get $pixelBytes)))
            (local.set $bestOne (f32.const -inf))
            (local.set $atOne (i32.const -1))
            (local.set $row (local.get $top))
            (block $rowsDone (loop $nextRow
              (br_if $rowsDone (i32.ge_s (local.get $row) (local.get $bottom)))
              (local.set $column (local.get $left))
              (local.set $offset (i32.mul (local.get $pixelBytes)
                (i32.add (i32.mul (local.get $row) (local.get $width)) (local.get $left))))
              (block $columnsDone (loop $nextColumn
                (br_if $columnsDone (i32.ge_s (local.get $column) (local.get $right)))
                (local.set $valueOne (f32.load
                  (i32.add (local.get $x) (i32.add (local.get $offset) (local.get $channel)))))
                (if (f32.gt (local.get $valueOne) (local.get $bestOne)) (then
                  (local.set $bestOne (local.get $valueOne))
                  (local.set $atOne (local.get $offset))))
                (local.set $offset (i32.add (local.get $offset) (local.get $pixelBytes)))
                (local.set $column (i32.add (local.get $column) (i32.const 1)))
                (br $nextColumn)))
              (local.set $row (i32.add (local.get $row) (i32.const 1)))
              (br $nextRow)))
            (call $scatter (local.get $atOne) (i32.add (local.get $dx) (local.get $channel))
              (f32.load (i32.add (local.get $dy) (local.get $channel))))
            (local.set $channel (i32.add (local.get $channel) (i32.const 4)))
            (br $nextChannel)))
          (local.set $dy (i32.add (local.get $dy) (local.get $pixelBytes)))
          (local.set $outX (i32.add (local.get $outX) (i32.const 1)))
          (br_if $nextOutX (i32.ne (local.get $outX) (local.get $outWidth))))
        (local.set $outY (i32.add (local.get $outY) (i32.const 1)))
        (br_if $nextOutY (i32.ne (local.get $outY) (local.get $outHeight))))
      (local.set $offset (i32.mul (local.get $pixelBytes) (i32.mul (local.get $height) (local.get $width))))
      (local.set $x (i32.add (local.get $x) (local.get $offset)))
      (local.set $dx (i32.add (local.get $dx) (local.get $offset)))
      (br_if $nextImage (local.tee $batch (i32.sub (local.get $batch) (i32.const 1))))))

  (func $atMost (param $value i32) (param $limit i32) (result i32)
    (select (local.get $value) (local.get $limit) (i32.lt_s (local.get $value) (local.get $limit))))

  (func $atLeastZero (param $value i32) (result i32)
    (select (local.get $value) (i32.const 0) (i32.gt_s (local.get $value) (i32.const 0)))))
