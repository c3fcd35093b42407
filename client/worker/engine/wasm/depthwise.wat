;; Gradients of the depthwise convolution, NHWC. Output channel c * multiplier + m reads input channel c.
(module
  (import "env" "memory" (memory 0))

  ;; target += p * q, element by element.
  (func $multiplyAdd (param $target i32) (param $p i32) (param $q i32) (param $bytes i32)
    (block $done (loop $next
      (br_if $done (i32.lt_u (local.get $bytes) (i32.const 16)))
      (v128.store (local.get $target) (f32x4.add (v128.load (local.get $target))
        (f32x4.mul (v128.load (local.get $p)) (v128.load (local.get $q)))))
      (local.set $target (i32.add (local.get $target) (i32.const 16)))
      (local.set $p (i32.add (local.get $p) (i32.const 16)))
      (local.set $q (i32.add (local.get $q) (i32.const 16)))
      (local.set $bytes (i32.sub (local.get $bytes) (i32.const 16)))
      (br $next)))
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $bytes)))
      (f32.store (local.get $target) (f32.add (f32.load (local.get $target))
        (f32.mul (f32.load (local.get $p)) (f32.load (local.get $q)))))
      (local.set $target (i32.add (local.get $target) (i32.const 4)))
      (local.set $p (i32.add (local.get $p) (i32.const 4)))
      (local.set $q (i32.add (local.get $q) (i32.const 4)))
      (local.set $bytes (i32.sub (local.get $bytes) (i32.const 4)))
      (br $next))))

  ;; One input pixel, one output pixel and one filter position with several output channels for each input channel.
  (func $multiplied (param $pixel i32) (param $dy i32) (param $filter i32) (param $channels i32)
        (param $multiplier i32) (param $toFilter i32)
    (local $left i32)
    (loop $nextChannel
      (local.set $left (local.get $multiplier))
      (loop $nextMultiple
        (if (local.get $toFilter)
          (then (f32.store (local.get $filter) (f32.add (f32.load (local.get $filter))
            (f32.mul (f32.load (local.get $pixel)) (f32.load (local.get $dy))))))
          (else (f32.store (local.get $pixel) (f32.add (f32.load (local.get $pixel))
            (f32.mul (f32.load (local.get $dy)) (f32.load (local.get $filter)))))))
        (local.set $dy (i32.add (local.get $dy) (i32.const 4)))
        (local.set $filter (i32.add (local.get $filter) (i32.const 4)))
        (br_if $nextMultiple (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (local.set $pixel (i32.add (local.get $pixel) (i32.const 4)))
      (br_if $nextChannel (local.tee $channels (i32.sub (local.get $channels) (i32.const 1))))))

  ;; `toFilter` 1: filter += image * dy. 0: image += dy * filter. The target is zero before the call. Terms are added
  ;; in the order of output pixels, then of filter positions.
  (func (export "depthwiseGradient") (param $image i32) (param $dy i32) (param $filter i32) (param $batch i32)
        (param $height i32) (param $width i32) (param $channels i32) (param $multiplier i32)
        (param $outHeight i32) (param $outWidth i32) (param $filterHeight i32) (param $filterWidth i32)
        (param $strideY i32) (param $strideX i32) (param $dilationY i32) (param $dilationX i32)
        (param $padTop i32) (param $padLeft i32) (param $toFilter i32)
    (local $outY i32) (local $outX i32) (local $filterY i32) (local $filterX i32) (local $y i32) (local $x i32)
    (local $pixel i32) (local $weight i32) (local $channelBytes i32) (local $outBytes i32)
    (local.set $channelBytes (i32.shl (local.get $channels) (i32.const 2)))
    (local.set $outBytes (i32.mul (local.get $channelBytes) (local.get $multiplier)))
    (loop $nextImage
      (local.set $outY (i32.const 0))
      (loop $nextOutY
        (local.set $outX (i32.const 0))
        (loop $nextOutX
          (local.set $weight (local.get $filter))
          (local.set $y (i32.sub (i32.mul (local.get $outY) (local.get $strideY)) (local.get $padTop)))
          (local.set $filterY (local.get $filterHeight))
          (loop $nextFilterY
            (local.set $x (i32.sub (i32.mul (local.get $outX) (local.get $strideX)) (local.get $padLeft)))
            (local.set $filterX (local.get $filterWidth))
            (loop $nextFilterX
              (if (i32.and (i32.lt_u (local.get $y) (local.get $height)) (i32.lt_u (local.get $x) (local.get $width)))
                (then
                  (local.set $pixel (i32.add (local.get $image) (i32.mul (local.get $channelBytes)
                    (i32.add (i32.mul (local.get $y) (local.get $width)) (local.get $x)))))
                  (if (i32.eq (local.get $multiplier) (i32.const 1))
                    (then (call $multiplyAdd
                      (select (local.get $weight) (local.get $pixel) (local.get $toFilter))
                      (local.get $dy)
                      (select (local.get $pixel) (local.get $weight) (local.get $toFilter))
                      (local.get $channelBytes)))
                    (else (call $multiplied (local.get $pixel) (local.get $dy) (local.get $weight)
                      (local.get $channels) (local.get $multiplier) (local.get $toFilter))))))
              (local.set $weight (i32.add (local.get $weight) (local.get $outBytes)))
              (local.set $x (i32.add (local.get $x) (local.get $dilationX)))
              (br_if $nextFilterX (local.tee $filterX (i32.sub (local.get $filterX) (i32.const 1)))))
            (local.set $y (i32.add (local.get $y) (local.get $dilationY)))
            (br_if $nextFilterY (local.tee $filterY (i32.sub (local.get $filterY) (i32.const 1)))))
          (local.set $dy (i32.add (local.get $dy) (local.get $outBytes)))
          (local.set $outX (i32.add (local.get $outX) (i32.const 1)))
          (br_if $nextOutX (i32.ne (local.get $outX) (local.get $outWidth))))
        (local.set $outY (i32.add (local.get $outY) (i32.const 1)))
        (br_if $nextOutY (i32.ne (local.get $outY) (local.get $outHeight))))
      (local.set $image (i32.add (local.get $image)
        (i32.mul (local.get $channelBytes) (i32.mul (local.get $height) (local.get $width)))))
      (br_if $nextImage (local.tee $batch (i32.sub (local.get $batch) (i32.const 1)))))))
