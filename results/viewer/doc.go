// Package viewer is the web server of the pages that show games and runs: its security, and what all pages share.
//
// A [Server] shows pages made of what is embedded here: HTML from one template, vanilla JavaScript modules and CSS, no
// build step, nothing from elsewhere. A page called name consists of assets/name.js, a module, and assets/name.css, both
// of which build on page.js and page.css.
//
//	s, err := viewer.Listen("127.0.0.1:0")
//	s.Page("/", viewer.Page{Name: "play", Title: "Play"})
//	s.Handle("GET /state", viewer.JSON(func(r *http.Request) (any, error) { ... }))
//	fmt.Println(s.URL())
//	err = s.Serve(ctx)
//
// # Who may ask
//
// A server at a loopback address answers to this machine. At any other address, a request needs the random token of
// [Server.URL], which the page's first request turns into a cookie. Whatever the address, a server
//
//   - answers only to a Host that is an IP address or localhost, so that no name of the web can be bound to it;
//   - refuses requests that pages of other origins make, by Origin and Sec-Fetch-Site;
//   - forbids pages, by Content-Security-Policy, whatever does not come from itself, inline scripts and styles, frames
//     around them, and strings that become HTML;
//   - limits the size of requests, their number at a time, and their rate.
package viewer
