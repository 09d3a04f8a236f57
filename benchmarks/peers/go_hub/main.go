// The usual small Go chat: a hub goroutine that owns the clients, and two goroutines for
// each client, one that reads and one that writes. No history, no checks.
//
// Usage: go_hub PORT [pooled]. With pooled, what waits for a client leaves in one system call,
// instead of one for each KiB.
package main

import (
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	writeWait   = 10 * time.Second  // a write must be done by then
	pongWait    = 60 * time.Second  // a client must have answered a ping by then
	pingPeriod  = pongWait * 9 / 10 // must be less than pongWait
	maxFrame    = 64 * 1024         // bytes of one incoming message
	clientSlots = 256               // messages that may wait for one client
	bufferSize  = 1024              // bytes of a connection's read buffer, and of its write buffer
	pooledSize  = 32 * 1024         // bytes of a write buffer from the pool: a full queue of lines
)

type hub struct {
	clients map[*client]struct{} // owned by run
	join    chan *client
	leave   chan *client
	say     chan []byte
}

func newHub() *hub {
	return &hub{
		clients: make(map[*client]struct{}),
		join:    make(chan *client),
		leave:   make(chan *client),
		say:     make(chan []byte),
	}
}

func (h *hub) run() {
	for {
		select {
		case c := <-h.join:
			h.clients[c] = struct{}{}
		case c := <-h.leave:
			h.drop(c)
		case message := <-h.say:
			for c := range h.clients {
				select {
				case c.queue <- message:
				default: // too slow: the hub waits for nobody
					h.drop(c)
				}
			}
		}
	}
}

func (h *hub) drop(c *client) {
	if _, in := h.clients[c]; in {
		delete(h.clients, c)
		close(c.queue)
	}
}

type client struct {
	hub   *hub
	conn  *websocket.Conn
	queue chan []byte
}

// readPump is the only reader of the connection.
func (c *client) readPump() {
	defer func() {
		c.hub.leave <- c
		c.conn.Close()
	}()
	c.conn.SetReadLimit(maxFrame)
	c.conn.SetReadDeadline(time.Now().Add(pongWait))
	c.conn.SetPongHandler(func(string) error {
		return c.conn.SetReadDeadline(time.Now().Add(pongWait))
	})
	for {
		_, message, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		c.hub.say <- message
	}
}

// writePump is the only writer of the connection.
func (c *client) writePump() {
	pings := time.NewTicker(pingPeriod)
	defer func() {
		pings.Stop()
		c.conn.Close()
	}()
	for {
		select {
		case message, open := <-c.queue:
			c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			if !open {
				c.conn.WriteMessage(websocket.CloseMessage, nil)
				return
			}
			if c.writeAll(message) != nil {
				return
			}
		case <-pings.C:
			c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			if c.conn.WriteMessage(websocket.PingMessage, nil) != nil {
				return
			}
		}
	}
}

// writeAll sends the message, and all that wait behind it, as the lines of one frame.
func (c *client) writeAll(message []byte) error {
	frame, err := c.conn.NextWriter(websocket.TextMessage)
	if err != nil {
		return err
	}
	frame.Write(message)
	for waiting := len(c.queue); waiting > 0; waiting-- {
		frame.Write([]byte{'\n'})
		frame.Write(<-c.queue)
	}
	return frame.Close()
}

func main() {
	h := newHub()
	go h.run()
	upgrader := websocket.Upgrader{ReadBufferSize: bufferSize, WriteBufferSize: bufferSize}
	if len(os.Args) > 2 && os.Args[2] == "pooled" {
		upgrader.WriteBufferSize = pooledSize
		upgrader.WriteBufferPool = &sync.Pool{}
	}
	http.HandleFunc("/chat", func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			log.Print(err)
			return
		}
		c := &client{hub: h, conn: conn, queue: make(chan []byte, clientSlots)}
		h.join <- c
		go c.writePump()
		go c.readPump()
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
