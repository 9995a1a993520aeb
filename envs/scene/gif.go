package scene

import (
	"image"
	"image/gif"
	"io"
)

// Delays of a GIF, in hundredths of a second.
const (
	stepDelay = 90
	lastDelay = 300
)

// Write writes the film as a GIF that starts again at its end. Equal films, equal bytes.
func (f *Film) Write(w io.Writer, title string) error {
	var size image.Point
	for i := range f.Frames {
		s := f.Frames[i].Size()
		size = image.Pt(max(size.X, s.X), max(size.Y, s.Y))
	}
	animation := &gif.GIF{Config: image.Config{ColorModel: palette, Width: size.X, Height: size.Y}}
	var before *image.Paletted
	for i := range f.Frames {
		picture := f.Frames[i].Picture(title, size)
		delay := stepDelay
		if f.Frames[i].Over {
			delay = lastDelay
		}
		animation.Image = append(animation.Image, changed(before, picture))
		animation.Delay = append(animation.Delay, delay)
		animation.Disposal = append(animation.Disposal, gif.DisposalNone)
		before = picture
	}
	return gif.EncodeAll(w, animation)
}

// changed is what of a picture differs from the one before: the smallest part that holds it all, at least a pixel, and
// transparent where nothing differs, which takes next to no bytes.
func changed(before, now *image.Paletted) *image.Paletted {
	if before == nil {
		return now
	}
	part := image.Rectangle{}
	for y := range now.Rect.Dy() {
		for x := range now.Rect.Dx() {
			if i := now.PixOffset(x, y); now.Pix[i] != before.Pix[i] {
				part = part.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if part.Empty() {
		part = image.Rect(0, 0, 1, 1)
	}
	delta := image.NewPaletted(part, palette)
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			i := now.PixOffset(x, y)
			pixel := now.Pix[i]
			if pixel == before.Pix[i] {
				pixel = transparent
			}
			delta.SetColorIndex(x, y, pixel)
		}
	}
	return delta
}
