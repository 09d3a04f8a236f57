// The shape of the program that the chat room mirrors: one select loop over add, delete,
// broadcast and error, a channel of 100 slots for each user, JSON encoded for each user, and
// the past messages replayed to a joiner by the loop itself.
//
// Known to stand still for good: when a user's channel is full, the loop reports the user on
// the delete channel, which it alone reads. See scenarios/standstill.py.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/gorilla/websocket"
)

const userSlots = 100

type message struct {
	UserName  string `json:"userName"`
	Body      string `json:"body"`
	Timestamp string `json:"timestamp"`
}

type server struct {
	users     map[int]*user // these two are owned by listen
	past      []*message
	add       chan *user
	delete    chan *user
	broadcast chan *message
	errors    chan error
}

func newServer() *server {
	return &server{
		users:     make(map[int]*user),
		add:       make(chan *user),
		delete:    make(chan *user),
		broadcast: make(chan *message),
		errors:    make(chan error),
	}
}

func (s *server) listen() {
	for {
		select {
		case u := <-s.add:
			s.users[u.id] = u
			s.sendPast(u)
		case u := <-s.delete:
			delete(s.users, u.id)
		case m := <-s.broadcast:
			s.past = append(s.past, m)
			for _, u := range s.users {
				u.write(m)
			}
		case err := <-s.errors:
			log.Print(err)
		}
	}
}

func (s *server) sendPast(u *user) {
	for _, m := range s.past {
		u.write(m)
	}
}

type user struct {
	id     int
	conn   *websocket.Conn
	server *server
	queue  chan *message
	done   chan struct{}
}

// write is called by the server's loop.
func (u *user) write(m *message) {
	select {
	case u.queue <- m:
	default:
		u.server.delete <- u // the loop waits for itself here
		u.server.errors <- fmt.Errorf("user %d is disconnected", u.id)
	}
}

func (u *user) listenWrite() {
	for {
		select {
		case m := <-u.queue:
			if err := u.conn.WriteJSON(m); err != nil {
				u.server.errors <- err
			}
		case <-u.done:
			return
		}
	}
}

func (u *user) listenRead() {
	defer func() {
		close(u.done)
		u.conn.Close()
		u.server.delete <- u
	}()
	for {
		m := new(message)
		if err := u.conn.ReadJSON(m); err != nil {
			return
		}
		u.server.broadcast <- m
	}
}

func main() {
	s := newServer()
	go s.listen()
	upgrader := websocket.Upgrader{}
	ids := make(chan int)
	go func() {
		for id := 1; ; id++ {
			ids <- id
		}
	}()
	http.HandleFunc("/chat", func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			log.Print(err)
			return
		}
		u := &user{<-ids, conn, s, make(chan *message, userSlots), make(chan struct{})}
		s.add <- u
		go u.listenWrite()
		u.listenRead()
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
